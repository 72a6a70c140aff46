package agent

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// A coordinator that has no successor may be told of an outcome ahead of the journal, and acts on that: whoever waits for a
// lone call doesn't wait for the stream then. What is told is appended as well, a little later and with others.

const (
	earlyFor  = 20 * time.Millisecond // after the first that is told, all are appended
	mostEarly = 128                   // outcomes that are told meanwhile: with more, the stream is faster than messages of one
)

// early are the outcomes that a journal's coordinator was told of. The journal's mutex guards it.
type early struct {
	told  int         // since the last time that all were appended
	known int         // of those that are open
	timer *time.Timer // nil if none was added since
}

func (e *early) stop() {
	if e.timer != nil {
		e.timer.Stop()
	}
}

// mayTell reports whether the coordinator is to be told of an outcome ahead of the journal. It isn't while others wait to be
// appended, or for the stream.
func (j *journal) mayTell() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := &j.early
	if j.closed || j.resting || len(j.flying) > 1 || len(j.cut) > 0 || j.open.Count() > e.known || e.told >= mostEarly {
		return false
	}
	e.told++
	return true
}

// waits notes that an outcome was added that the coordinator knows: it is appended when the timer says so, or before. The mutex
// is held.
func (j *journal) waits() {
	e := &j.early
	e.known++
	if e.timer == nil { // not in mayTell: it may end between that and this
		e.timer = time.AfterFunc(earlyFor, j.appendTold)
	}
}

// tell tells the coordinator. If that can't be, the outcome is like others.
func (j *journal) tell(data []byte) bool {
	if j.conn.Publish(j.up, data) == nil {
		return true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.early.known = 0
	return false
}

// appendTold has what was told appended, unless it is by now.
func (j *journal) appendTold() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.early = early{}
	if j.ready() {
		j.more.Signal()
	}
}

// isShort reports whether an outcome is all that there is to say: no value that lies elsewhere, nothing that is to be heard first.
func isShort(o *protocol.Outcome) bool {
	inline := o.Value.Form == protocol.Inline || o.Value.Form == protocol.Failure
	return inline && len(o.Refs) == 0 && len(o.Value.Data) <= directly
}

// lone is a message of one outcome.
func lone(epoch uint32, node string, o *protocol.Outcome) []byte {
	m := protocol.Outcomes{Epoch: epoch, Node: node, List: []protocol.Outcome{*o}}
	return m.Append(nil)
}
