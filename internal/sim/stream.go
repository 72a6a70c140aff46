package sim

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
)

// stream is a model of a job's journal: records in one order, that are delivered to the driver which has the job until
// it acknowledges them.
type stream struct {
	s       *sim
	records []record
	decided int // place of the last decision, from 1
	reader  *driver
	sent    int // delivered up to there
	acked   int
	pushed  time.Duration // when something was delivered last
}

// record is one message in it: outcomes of a node, or decisions of a driver.
type record struct {
	epoch    uint32
	node     *agent
	outcomes []outcome
	began    []int32 // tasks that must not run twice, and may run from here on
}

// outcome is how an attempt ended.
type outcome struct {
	id      coordinator.ID
	attempt uint32
	task    int32
	status  status
	took    time.Duration
	exec    uint32 // which execution: it stands for its value
	untold  bool   // it ended for a later driver, which was never told that it runs
}

type status uint8

const (
	succeeded status = iota + 1
	failed
	canceled
)

const (
	redeliver = 2 * time.Second
	maxUnread = 4096
)

// publish appends a record of a process, and answers whether it is stored. There may be no answer.
func (t *stream) publish(from *host, r record, answer func()) bool {
	s := t.s
	return s.net.send(from, s.store, func() {
		if !s.errs(losesRecord) && !t.append(r, -1) {
			return
		}
		if answer != nil && !s.net.chance(s.faults.LoseAck) {
			s.net.send(s.store, from, answer)
		}
	})
}

// append stores a record. One that names the place of the last decision is stored only if it is that.
func (t *stream) append(r record, last int) bool {
	if last >= 0 && last != t.decided {
		return false
	}
	t.records = append(t.records, r)
	if r.node == nil {
		t.decided = len(t.records)
	}
	t.deliver()
	return true
}

// follow delivers all from the start to a driver.
func (t *stream) follow(d *driver) {
	t.reader, t.sent, t.acked = d, 0, 0
	t.deliver()
}

func (t *stream) deliver() {
	d := t.reader
	if d == nil || d.life.over {
		return
	}
	for t.sent < len(t.records) && t.sent-t.acked < maxUnread {
		r, seq := &t.records[t.sent], t.sent+1
		t.sent++
		t.pushed = t.s.now
		t.s.net.send(t.s.store, d.host, func() { d.onRecord(r, seq) })
	}
}

// ack says up to where a driver has read.
func (t *stream) ack(d *driver, seq int) {
	if t.reader == d && seq > t.acked {
		t.acked = seq
		t.deliver()
	}
}

// again delivers anew what hasn't been acknowledged for long.
func (t *stream) again() {
	if t.reader != nil && t.acked < t.sent && t.s.now-t.pushed >= redeliver {
		t.sent = t.acked
		t.deliver()
	}
}
