package cache

import (
	"testing"
	"time"
)

func TestExpired(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		age, most time.Duration
		want      bool
	}{
		{time.Hour, 0, false},
		{-time.Hour, 0, false},
		{time.Hour, time.Hour, false},
		{time.Hour + 1, time.Hour, true},
		{-time.Minute, time.Hour, false},
		{-time.Minute - 1, time.Hour, true}, // a clock was wrong: it would stay for longer than an hour
	} {
		if got := (Policy{MaxAge: c.most}).expired(now.Add(-c.age), now); got != c.want {
			t.Errorf("age %v of at most %v: %v", c.age, c.most, got)
		}
	}
}
