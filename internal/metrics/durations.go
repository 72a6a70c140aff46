package metrics

import (
	"sync/atomic"
	"time"
)

// bounds are what durations are counted by: from a message within the machine to what people give up on.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 300 * time.Microsecond, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond,
	30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second,
}

// Durations counts how long things took. The zero value is ready, nil counts nothing, and its methods may be called
// concurrently.
type Durations struct {
	counts [len(bounds) + 1]atomic.Uint64 // up to each bound and above that before; the last is for what took longer
	sum    atomic.Int64
}

// Observe counts one.
func (h *Durations) Observe(d time.Duration) {
	if h == nil {
		return
	}
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(max(d, 0)))
}
