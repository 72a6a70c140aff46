package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTimerOfASessionThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(Config{CPUs: 1, Concurrency: 1, Grace: time.Second}, Trial{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		tm := s.after(time.Second, func() { t.Error("it fired") })
		s.mu.Unlock()
		<-time.After(time.Hour)
		s.mu.Lock()
		defer s.mu.Unlock()
		if tm.stop(s) || s.busy != 0 {
			t.Error("it counts as pending:", s.busy)
		}
	})
}
