package yardstick

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Kind is what is measured.
type Kind string

// The kinds.
const (
	Calls Kind = "calls" // records one after the other, each in a message of its own
	Tasks Kind = "tasks" // records of 40 bytes, 64 in a message
	Items Kind = "items" // numbers, 4,096 in a message: a chunk of a Map has so many at most
)

// Result is what a round gave.
type Result struct {
	P50, P99 time.Duration `json:",omitzero"` // of Calls: what half of them stay below, and 99 of 100
	Rate     float64       `json:",omitzero"` // of the others: records a second
}

const (
	window     = 64 // messages in flight: of tasks so many as two agents of one CPU take at once
	tasksEach  = 64
	itemsEach  = 4096
	warmUp     = 10 // one call of so many more isn't counted
	ackEvery   = 256
	patience   = 20 * time.Second // of who waits for another process
	inChannels = 8192             // messages that the server may have sent, of the 4,096 that it sends without an acknowledgement
)

// driver sends records and gets the results.
type driver struct {
	conn    *nats.Conn
	journal chan *nats.Msg
	early   chan *nats.Msg // what is told ahead of it
	stream  jetstream.Stream
	late    *time.Timer
	frame   []byte // scratch
	last    *nats.Msg
	unacked int
}

// request asks the driver for a round.
type request struct {
	Kind Kind
	N    int
}

func newDriver(ctx context.Context, p place) (*driver, error) {
	conn, err := p.connect()
	if err != nil {
		return nil, err
	}
	d := &driver{
		conn: conn, journal: make(chan *nats.Msg, inChannels), early: make(chan *nats.Msg, window), late: time.NewTimer(patience),
	}
	js, err := jetstream.New(conn)
	if err == nil {
		d.stream, err = js.Stream(ctx, streamName)
	}
	if err == nil {
		_, err = conn.ChanSubscribe(subjectJournal, d.journal)
	}
	if err == nil {
		_, err = conn.ChanSubscribe(subjectEarly, d.early)
	}
	if err == nil {
		err = conn.FlushTimeout(patience)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return d, nil
}

// measure makes a round, and removes from the stream what it has put there.
func (d *driver) measure(ctx context.Context, r request) (out Result, err error) {
	d.late.Reset(patience)
	switch r.Kind {
	case Calls:
		out.P50, out.P99, err = d.calls(ctx, r.N)
	case Tasks:
		out.Rate, err = d.flood(ctx, frameTasks, tasksEach, r.N)
	case Items:
		out.Rate, err = d.flood(ctx, frameItems, itemsEach, r.N)
	default:
		err = errors.New("nobody knows how")
	}
	if err == nil {
		err = d.stream.Purge(ctx)
	}
	if err != nil {
		return out, fmt.Errorf("measure %s: %w", r.Kind, err)
	}
	return out, nil
}

func (d *driver) calls(ctx context.Context, n int) (p50, p99 time.Duration, err error) {
	all := make([]time.Duration, n)
	var recorded tally
	for i := -n / warmUp; i < n; i++ {
		began := time.Now()
		if err := d.through(ctx, frameCalls, 1, 1); err != nil {
			return 0, 0, err
		}
		if i >= 0 {
			all[i] = time.Since(began)
		}
		for err == nil && len(d.journal) > 0 {
			err = d.receive(ctx, d.journal, &recorded)
		}
	}
	for err == nil && recorded.records < n+n/warmUp {
		err = d.receive(ctx, d.journal, &recorded)
	}
	if err != nil {
		return 0, 0, err
	}
	slices.Sort(all)
	return all[n/2], all[n*99/100], d.acknowledge()
}

func (d *driver) flood(ctx context.Context, kind byte, each, n int) (rate float64, err error) {
	began := time.Now()
	if err := d.through(ctx, kind, each, n); err != nil {
		return 0, err
	}
	rate = float64(n) / time.Since(began).Seconds()
	return rate, d.acknowledge()
}

// through sends n records, so many in each message, and waits for all of the results.
func (d *driver) through(ctx context.Context, kind byte, each, n int) error {
	var got tally
	from := d.journal
	if kind == frameCalls {
		from = d.early
	}
	for sent, frames := 0, 0; got.records < n; {
		for ; sent < n && frames-got.frames < window; frames++ {
			k := min(each, n-sent)
			d.frame = appendFrame(d.frame[:0], kind, sent, k)
			if err := d.conn.Publish(subjectTasks, d.frame); err != nil {
				return err
			}
			sent += k
		}
		if err := d.receive(ctx, from, &got); err != nil {
			return err
		}
	}
	if want := uint64(n) * uint64(n+1) / 2; got.records != n || got.sum != want { //nolint:gosec // n isn't negative
		return fmt.Errorf("%d results for %d records, with the sum %d instead of %d", got.records, n, got.sum, want)
	}
	return nil
}

// receive waits for results from the journal or ahead of it, and takes all that are there.
func (d *driver) receive(ctx context.Context, from chan *nats.Msg, got *tally) error {
	for first := true; first || len(from) > 0; first = false {
		select {
		case m := <-from:
			take := d.take
			if from == d.early {
				take = d.tell
			}
			if err := take(m, got); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-d.late.C:
			return fmt.Errorf("no result has come for %v", patience)
		}
	}
	return nil
}

// tell adds a message that came ahead of the journal.
func (d *driver) tell(m *nats.Msg, got *tally) error {
	d.late.Reset(patience)
	return got.add(m.Data)
}

// take adds a message of the journal, or answers the server's question whether all before was taken.
func (d *driver) take(m *nats.Msg, got *tally) error {
	if len(m.Header) > 0 {
		ask := m.Reply
		if ask == "" {
			ask = m.Header.Get("Nats-Consumer-Stalled")
		}
		if ask == "" {
			return nil // a heartbeat
		}
		return d.conn.Publish(ask, nil)
	}
	d.last = m
	d.late.Reset(patience)
	if d.unacked++; d.unacked >= ackEvery {
		if err := d.acknowledge(); err != nil {
			return err
		}
	}
	return got.add(m.Data)
}

// acknowledge acknowledges all that has come.
func (d *driver) acknowledge() error {
	d.unacked = 0
	return d.last.Respond([]byte("+ACK"))
}
