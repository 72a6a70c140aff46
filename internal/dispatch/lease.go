package dispatch

import "time"

// Lease is whether this driver still has its job: whoever hasn't renewed for so long that another may have taken it over
// hands out nothing until it has renewed. Not for concurrent use.
type Lease struct {
	dead    time.Duration
	renewed time.Time // when the request was sent that was answered
	paused  bool
}

// NewLease is one that was just renewed; dead is how long it holds.
func NewLease(dead time.Duration, now time.Time) Lease { return Lease{dead: dead, renewed: now} }

// Renew notes that a request of that time was granted, and reports whether that ended a pause.
func (l *Lease) Renew(asked time.Time) (resumed bool) {
	if asked.After(l.renewed) {
		l.renewed = asked
	}
	resumed, l.paused = l.paused, false
	return resumed
}

// Check reports whether a pause begins.
func (l *Lease) Check(now time.Time) (begins bool) {
	if l.paused || now.Sub(l.renewed) < l.dead {
		return false
	}
	l.paused = true
	return true
}
