package remote

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// recent are the records that were read last: when the head's machine has lost its power, the stream may have lost them.
// The zero value is empty. Not for concurrent use.
type recent struct {
	list  []readRecord
	bytes int
}

type readRecord struct {
	seq  uint64
	data []byte
	at   time.Time // when it was read
}

const (
	keepRecent    = 10 * time.Second // the head syncs its journals every second
	maxRecentSize = 32 << 20         // bytes
)

// add keeps a record, and lets go of those that are on the head's disk by now.
func (r *recent) add(seq uint64, data []byte, now time.Time) {
	r.list = append(r.list, readRecord{seq, data, now})
	r.bytes += len(data)
	for len(r.list) > 0 && (r.bytes > maxRecentSize || now.Sub(r.list[0].at) > keepRecent) {
		r.bytes -= len(r.list[0].data)
		r.list[0] = readRecord{}
		r.list = r.list[1:]
	}
}

// from takes out the records from a place in the stream on.
func (r *recent) from(seq uint64) (lost [][]byte) {
	for i := range r.list {
		if x := &r.list[i]; x.seq >= seq {
			lost = append(lost, x.data)
		}
	}
	n := len(r.list) - len(lost)
	for _, data := range lost {
		r.bytes -= len(data)
	}
	clear(r.list[n:])
	r.list = r.list[:n]
	return lost
}

// writeBack records again, for the next driver, what was read and the stream has lost: another record has the place of
// the first of these.
func (c *Carrier) writeBack(first uint64) {
	lost := c.journal.recent.from(first)
	c.mu.Lock()
	c.decisions.lost = append(c.decisions.lost, lost...)
	c.mu.Unlock()
	c.deciding.give()
	c.note("the cluster's head has lost the end of the journal, by a power cut as a rule: what was read of it counts, and is " +
		"written anew")
}

// probe finds out whether the stream has lost its end: its answer comes in the place of what is gone. Until then nothing
// is said to be read: the head would let go of it. With the lock.
func (c *Carrier) probe() {
	c.probes++
	n := c.probes
	c.unsure = true
	c.decisions.waiting = append(c.decisions.waiting, decision{protocol.Decision{}, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if n == c.probes {
			c.unsure = false
		}
	}})
}

// readUpTo is up to where the journal is read for sure.
func (c *Carrier) readUpTo() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsure || c.conn.ConnectedServerId() != c.server { // it is another since a moment ago
		return 0
	}
	return c.read.Load()
}
