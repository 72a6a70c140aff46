package remote

import "time"

// record is a message M of the journal.
type record[M any] struct {
	seq   uint64    // its place in the stream
	times uint64    // how often it was delivered, with this
	at    time.Time // when it was stored
	size  int
	body  M
}

// order puts the records of the journal in order, each once. Records come out of order after a connection has broken:
// those that were on their way come again later. Not for concurrent use.
type order[M any] struct {
	last   uint64                // all up to there were given on
	lastAt time.Time             // when that was stored
	held   map[uint64]*record[M] // beyond a gap
	bytes  int                   // of those
}

const (
	maxHeld = 64 << 20 // bytes of records beyond a gap; what comes then is delivered again later
	patient = 4        // a record before one that was delivered so often isn't there any more
)

// add takes a record as it is delivered and gives on those that are next. Cut says that the stream has lost its end,
// which this driver had read: then its numbers are used again.
func (o *order[M]) add(r *record[M]) (next []*record[M], cut bool) {
	switch {
	case r.seq <= o.last && r.at.After(o.lastAt) && !o.lastAt.IsZero():
		o.last, o.held, o.bytes, cut = r.seq-1, nil, 0, true
	case r.seq <= o.last:
		return nil, false // it was delivered again
	case r.seq > o.last+1 && !o.passes(r):
		return nil, false
	}
	next = append(next, r)
	o.given(r)
	for {
		r, ok := o.held[o.last+1]
		if !ok {
			return next, cut
		}
		delete(o.held, r.seq)
		o.bytes -= r.size
		next = append(next, r)
		o.given(r)
	}
}

func (o *order[M]) given(r *record[M]) { o.last, o.lastAt = r.seq, r.at }

// passes holds a record that is beyond a gap. It reports true if the gap is to be passed over instead: what is in it
// would have come by now, since records come again in their order.
func (o *order[M]) passes(r *record[M]) bool {
	if r.times >= patient && !o.before(r.seq) {
		if _, ok := o.held[r.seq]; ok {
			o.bytes -= o.held[r.seq].size
			delete(o.held, r.seq)
		}
		return true
	}
	if _, ok := o.held[r.seq]; ok || o.bytes+r.size > maxHeld {
		return false
	}
	if o.held == nil {
		o.held = map[uint64]*record[M]{}
	}
	o.held[r.seq] = r
	o.bytes += r.size
	return false
}

// before reports whether a record with a lower number is held.
func (o *order[M]) before(seq uint64) bool {
	for s := range o.held {
		if s < seq {
			return true
		}
	}
	return false
}
