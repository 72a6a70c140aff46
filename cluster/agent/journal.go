package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

const (
	messageSize = 512 << 10       // a message of outcomes isn't added to beyond it
	fewFlying   = 4               // messages that may be unconfirmed before small ones wait for company
	enough      = 64 << 10        // what isn't small
	mostFlying  = 64              // messages that may be unconfirmed at all: the server refuses a flood
	repeatAfter = 4 * time.Second // without a confirmation
	refusedFor  = 100 * time.Millisecond
	maxOutbox   = 256 << 20 // bytes of outcomes that aren't confirmed, in all; beyond it no task is taken
)

// journal appends outcomes to a job's stream, and forgets them once the stream has confirmed them. A lone outcome goes
// out at once; while some are on their way others gather. One that the coordinator was told of ahead of the journal (see
// early.go) waits a little for others.
type journal struct {
	subject, inbox string
	up             string // the subject by which the coordinator hears of what it may know early
	node           string
	limit          int // bytes of outcomes in a message
	conn           *nats.Conn
	log            *slog.Logger
	outbox         *atomic.Int64 // bytes of all journals of the agent
	confirms       *metrics.Durations

	mu       sync.Mutex
	more     sync.Cond // something changed for run
	epoch    uint32
	open     protocol.OutcomeList
	cut      [][]byte // complete messages that aren't sent yet, the oldest first
	flying   map[uint64]*flight
	kept     kept // what was confirmed lately
	early    early
	number   uint64
	resting  bool        // the stream takes nothing for now: resume or the next repeat tries again
	again    *time.Timer // resume's; nil if none is to come
	closed   bool
	troubled bool // a refusal was logged
}

// flight is a message that isn't confirmed.
type flight struct {
	data []byte
	at   time.Time
}

func newJournal(conn *nats.Conn, log *slog.Logger, outbox *atomic.Int64, job, node, inbox string) *journal {
	j := &journal{
		subject: protocol.OutcomeSubject(job, node), up: protocol.UpSubject(job, node), inbox: inbox, node: node,
		conn: conn, log: log, outbox: outbox, limit: int(conn.MaxPayload()) - 1024, flying: map[uint64]*flight{},
	}
	j.more.L = &j.mu
	return j
}

// add takes an outcome, of which the coordinator knows or doesn't. The caller says wake when it has no more for now.
func (j *journal) add(epoch uint32, o *protocol.Outcome, known bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	if j.open.Count() > 0 && (j.epoch != epoch || j.open.Size() >= messageSize) {
		j.seal()
	}
	j.epoch = epoch
	had := j.open.Size()
	if !j.open.AddWithin(o, j.limit) {
		if had > 0 {
			j.seal()
		}
		if !j.open.AddWithin(o, j.limit) {
			j.open.Add(tooLong(o, j.limit))
		}
		had = 0
	}
	if known {
		j.waits()
	}
	j.outbox.Add(int64(j.open.Size() - had))
}

func tooLong(o *protocol.Outcome, limit int) *protocol.Outcome {
	failed := protocol.Outcome{ID: o.ID, Attempt: o.Attempt, Key: o.Key, Status: protocol.Failed, Took: o.Took}
	failed.Value = protocol.TextFailure(fmt.Sprintf(
		"the result is longer than the %d bytes that a message of this cluster holds: return less, or write it to a file", limit))
	return &failed
}

// wake sends what has gathered if nothing is on its way, and else lets run see to it.
func (j *journal) wake() {
	if data, reply, ok := j.first(); ok {
		j.publish(data, reply)
		return
	}
	j.more.Signal()
}

// first gives a message that may go out at once: with nothing on its way, it takes longer to wake run than to send it.
func (j *journal) first() (data []byte, reply string, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed || len(j.flying) > 0 || len(j.cut) > 0 || j.open.Size() > directly || !j.ready() {
		return nil, "", false
	}
	data, reply = j.take()
	return data, reply, true
}

// directly is up to how many bytes are sent by who has them.
const directly = 4 << 10

func (j *journal) publish(data []byte, reply string) {
	if err := j.conn.PublishRequest(j.subject, reply, data); err != nil {
		j.rest()
	}
}

// seal makes a message of what has gathered.
func (j *journal) seal() {
	size := j.open.Size()
	data := j.open.Append(make([]byte, 0, size+len(j.node)+32), j.epoch, j.node)
	j.outbox.Add(int64(len(data) - size))
	j.cut = append(j.cut, data)
	j.open.Reset()
	j.early.known = 0
}

// run sends messages until the journal is closed.
func (j *journal) run() {
	for {
		data, reply, ok := j.next()
		if !ok {
			return
		}
		j.publish(data, reply)
	}
}

// next waits for a message that may go out, and notes it as on its way.
func (j *journal) next() (data []byte, reply string, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for !j.closed && !j.ready() {
		j.more.Wait()
	}
	if j.closed {
		return nil, "", false
	}
	data, reply = j.take()
	return data, reply, true
}

// take notes a message as on its way. The mutex is held.
func (j *journal) take() (data []byte, reply string) {
	if len(j.cut) == 0 {
		j.seal()
	}
	data, j.cut = j.cut[0], j.cut[1:]
	j.number++
	j.flying[j.number] = &flight{data, time.Now()}
	return data, j.inbox + strconv.FormatUint(j.number, 10)
}

func (j *journal) ready() bool {
	n := len(j.flying)
	switch {
	case j.resting || n >= mostFlying:
		return false
	case len(j.cut) > 0 || j.open.Size() >= enough:
		return true
	}
	return j.open.Count() > j.early.known && n < fewFlying
}

// rest stops sending until the next repeat.
func (j *journal) rest() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.resting = true
}

// confirmed takes an answer to a message, and reports whether the outbox has become smaller.
func (j *journal) confirmed(number uint64, m *nats.Msg) bool {
	err := checkAck(m)
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.flying[number]
	switch {
	case f == nil || j.closed:
		return false
	case err != nil:
		delete(j.flying, number)
		j.cut = append(j.cut, f.data)
		j.resting = true
		if j.again == nil {
			j.again = time.AfterFunc(refusedFor, j.resume)
		}
		if !j.troubled {
			j.troubled = true
			j.log.Warn("the job's journal takes no outcomes; they wait here", "subject", j.subject, "error", err)
		}
		return false
	}
	j.confirms.Observe(time.Since(f.at))
	delete(j.flying, number)
	j.outbox.Add(-int64(len(f.data)))
	j.kept.add(f.data, time.Now())
	j.resting, j.troubled = false, false
	if j.ready() { // else run would wake for nothing, once for each lone outcome
		j.more.Signal()
	}
	return true
}

// checkAck says why the stream hasn't stored a message; nil if it has.
func checkAck(m *nats.Msg) error {
	if len(m.Data) == 0 {
		return errors.New("no stream listens")
	}
	if bytes.HasPrefix(m.Data, []byte(`{"stream":`)) && !bytes.Contains(m.Data, []byte(`"error"`)) {
		return nil
	}
	var ack struct {
		Stream string `json:"stream"`
		Error  *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	switch err := json.Unmarshal(m.Data, &ack); {
	case err != nil:
		return fmt.Errorf("its answer makes no sense: %w", err)
	case ack.Error != nil:
		return fmt.Errorf("%s (%d)", ack.Error.Description, ack.Error.Code)
	case ack.Stream == "":
		return errors.New("its answer names no stream")
	}
	return nil
}

// resume tries again after a refusal: a server that has just come back may not have its streams yet.
func (j *journal) resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.again, j.resting = nil, false
	j.more.Signal()
}

// repeat sends what was refused, and what wasn't confirmed in time, again, with the same bytes: one that is there twice
// counts once.
func (j *journal) repeat(before time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for number, f := range j.flying {
		if f.at.Before(before) {
			delete(j.flying, number)
			j.cut = append(j.cut, f.data) // the order of messages means nothing to the journal
		}
	}
	j.resting = false
	j.kept.trim(time.Now())
	if j.ready() { // most have nothing to send, and there are many
		j.more.Signal()
	}
}

// resendKept sends what was confirmed lately again: the server was started again, and may have lost it with its power.
func (j *journal) resendKept() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, data := range j.kept.take() {
		j.outbox.Add(int64(len(data)))
		j.cut = append(j.cut, data)
	}
	j.more.Signal()
}

// empty reports whether all outcomes are confirmed.
func (j *journal) empty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open.Count()+len(j.cut)+len(j.flying) == 0
}

// close drops what isn't confirmed.
func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	j.closed = true
	if j.again != nil {
		j.again.Stop()
	}
	j.early.stop()
	size := j.open.Size()
	for _, data := range j.cut {
		size += len(data)
	}
	for _, f := range j.flying {
		size += len(f.data)
	}
	j.outbox.Add(-int64(size))
	j.open, j.cut, j.flying, j.kept = protocol.OutcomeList{}, nil, nil, kept{}
	j.more.Broadcast()
}
