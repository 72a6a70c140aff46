package dispatch

import "time"

// Lag is by how much answers are late: it rises at once and falls slowly, as a retransmission timeout does (RFC 6298,
// "Computing TCP's Retransmission Timer", whose back-off it has too). The zero value is no lag. Not for concurrent use.
type Lag struct{ d time.Duration }

const maxLag = time.Minute

// Value is the lag, from 0 to a minute.
func (l *Lag) Value() time.Duration { return l.d }

// Observe takes by how much an answer was late, or below 0 if it wasn't.
func (l *Lag) Observe(late time.Duration) {
	late = min(max(late, 0), maxLag)
	if late > l.d {
		l.d = late
	} else {
		l.d -= (l.d - late) / 8
	}
}

// Double notes that an answer didn't come. The lag is at least least then.
func (l *Lag) Double(least time.Duration) { l.d = min(max(2*l.d, least), maxLag) }
