package remote

import "time"

// lease is whether this driver still has its job: whoever hasn't renewed for so long that another may have taken it over
// hands out nothing until it has renewed. Not for concurrent use.
type lease struct {
	dead    time.Duration
	renewed time.Time // when the request was sent that was answered
	paused  bool
}

// renew notes that a request of that time was granted, and reports whether that ended a pause.
func (l *lease) renew(asked time.Time) (resumed bool) {
	if asked.After(l.renewed) {
		l.renewed = asked
	}
	resumed, l.paused = l.paused, false
	return resumed
}

// check reports whether a pause begins.
func (l *lease) check(now time.Time) (begins bool) {
	if l.paused || now.Sub(l.renewed) < l.dead {
		return false
	}
	l.paused = true
	return true
}
