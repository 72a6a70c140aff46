package dispatch

import (
	"testing"
	"time"
)

func TestPack(t *testing.T) {
	for name, row := range map[string]struct {
		took []time.Duration
		want int
	}{
		"the first":                 {[]time.Duration{time.Microsecond}, 2000},
		"none that can be measured": {[]time.Duration{0}, 2_000_000},
		"one was stopped between":   {append(repeat(31, time.Microsecond), time.Second), 2000},
		"the first was stopped":     {append([]time.Duration{time.Second}, repeat(7, time.Microsecond)...), 2000},
		"a part takes long":         {append(repeat(24, time.Microsecond), repeat(8, time.Second)...), 1},
		"all take long now":         {append(repeat(100, time.Microsecond), repeat(32, time.Second)...), 1},
		"none takes long any more":  {append(repeat(100, time.Second), repeat(32, time.Microsecond)...), 2000},
		"medium":                    {repeat(5, 10*time.Millisecond), 2},
		"long":                      {repeat(1, 100*time.Millisecond), 1},
	} {
		var p Pack
		for _, d := range row.took {
			p.Observe(d)
		}
		if got := p.Size(); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

func repeat(n int, d time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}
