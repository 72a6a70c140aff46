package remote

import (
	"bytes"
	"time"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// decisions are what is recorded for the job's next driver. One message is on its way at a time, and is sent again until
// it was read back: nothing counts before. The stream takes it only if all that its subject has was read before, so of
// two drivers one is refused. Not for concurrent use.
type decisions struct {
	epoch   uint32
	number  uint64   // of the last message
	lost    [][]byte // messages that the stream had, to be written anew before all else
	waiting []decision
	flying  []byte   // the message on its way; nil for none
	then    []func() // to be called once that was read back
	at      time.Time
	last    uint64 // the subject's last message, as far as it was read
}

type decision struct {
	protocol.Decision

	heard func() // may be nil
}

// next is the message that is to be sent now, if there is one.
func (d *decisions) next(now time.Time) []byte {
	switch {
	case d.flying != nil:
		return nil
	case len(d.lost) > 0:
		d.flying, d.lost, d.at = d.lost[0], d.lost[1:], now
		return d.flying
	case len(d.waiting) == 0:
		return nil
	}
	d.number++
	m := protocol.Decisions{Epoch: d.epoch, Number: d.number}
	size := 0
	for len(d.waiting) > 0 && size < dispatch.MaxMessage/2 {
		x := d.waiting[0]
		d.waiting[0] = decision{}
		d.waiting = d.waiting[1:]
		m.List = append(m.List, x.Decision)
		if size += len(x.Data) + 24; x.heard != nil {
			d.then = append(d.then, x.heard)
		}
	}
	d.flying, d.at = m.Append(make([]byte, 0, size+32)), now
	return d.flying
}

// again is the message on its way if it was sent last before a time: it is to be sent again.
func (d *decisions) again(before, now time.Time) []byte {
	if d.flying == nil || !d.at.Before(before) {
		return nil
	}
	d.at = now
	return d.flying
}

// read notes a message of the subject, and gives what is to be called if it was the one on its way.
func (d *decisions) read(seq uint64, data []byte) (then []func()) {
	d.last = seq
	if d.flying == nil {
		return nil
	}
	if !bytes.Equal(d.flying, data) {
		d.at = time.Time{} // the stream may take it now
		return nil
	}
	then, d.flying, d.then = d.then, nil, nil
	return then
}

// refused notes that the stream has another last message than was read. One that is later is waited for; if it is
// earlier, the stream has lost its end or let go of what was read. It reports whether to send again at once.
func (d *decisions) refused(last uint64) bool {
	if d.flying == nil || last >= d.last {
		return false
	}
	d.last = last
	d.at = time.Time{}
	return true
}
