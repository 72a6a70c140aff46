package metrics

import (
	"testing"
	"time"
)

func TestText(t *testing.T) {
	plain := &Desc{Name: "a_bytes", Type: Gauge, Help: "how many\nbytes"}
	labelled := &Desc{Name: "b_total", Type: Counter, Label: "kind", Help: `a \ in it`}
	took := &Desc{Name: "c_seconds", Type: Histogram, Label: "op", Help: "times"}
	var h Durations
	h.Observe(time.Millisecond) // not above its bound
	h.Observe(time.Minute)
	(*Durations)(nil).Observe(1)
	var text Text
	text.Add(plain, 1<<40)
	text.Add(labelled, 2, "x\"y\\z\n\xff")
	text.Add(labelled, 0.5, "w")
	text.AddDurations(took, &h, "put")
	want := `# HELP a_bytes how many\nbytes
# TYPE a_bytes gauge
a_bytes 1.099511627776e+12
# HELP b_total a \\ in it
# TYPE b_total counter
b_total{kind="x\"y\\z\n?"} 2
b_total{kind="w"} 0.5
# HELP c_seconds times
# TYPE c_seconds histogram
c_seconds_bucket{op="put",le="0.0001"} 0
c_seconds_bucket{op="put",le="0.0003"} 0
c_seconds_bucket{op="put",le="0.001"} 1
c_seconds_bucket{op="put",le="0.003"} 1
c_seconds_bucket{op="put",le="0.01"} 1
c_seconds_bucket{op="put",le="0.03"} 1
c_seconds_bucket{op="put",le="0.1"} 1
c_seconds_bucket{op="put",le="0.3"} 1
c_seconds_bucket{op="put",le="1"} 1
c_seconds_bucket{op="put",le="3"} 1
c_seconds_bucket{op="put",le="10"} 1
c_seconds_bucket{op="put",le="+Inf"} 2
c_seconds_sum{op="put"} 60.001
c_seconds_count{op="put"} 2
`
	if got := string(text.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSeriesWithoutLabel(t *testing.T) {
	var text Text
	text.AddDurations(&Desc{Name: "d_seconds", Type: Histogram, Help: "times"}, &Durations{})
	if want := "d_seconds_sum 0\nd_seconds_count 0\n"; string(text.Bytes()[len(text.Bytes())-len(want):]) != want {
		t.Errorf("it ends %q", text.Bytes())
	}
}
