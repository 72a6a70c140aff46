package remote

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

func began(n byte) protocol.Decision {
	return protocol.Decision{Key: protocol.Key{n}, Kind: protocol.Began}
}

// What is decided counts once it is read back, one message after the other.
func TestDecisions(t *testing.T) {
	var d decisions
	var heard []int
	add := func(n int) {
		d.waiting = append(d.waiting, decision{began(byte(n)), func() { heard = append(heard, n) }})
	}
	read := func(seq uint64, data []byte) {
		for _, f := range d.read(seq, data) {
			f()
		}
	}
	now := time.Now()
	add(1)
	first := d.next(now)
	add(2)
	add(3)
	if d.next(now) != nil {
		t.Error("two are on their way")
	}
	read(5, []byte("a former driver's"))
	if len(heard) != 0 || d.last != 5 {
		t.Error(heard, d.last)
	}
	if again := d.again(now.Add(-time.Second), now); string(again) != string(first) {
		t.Errorf("it isn't tried again once what was before it is read: %x", again)
	}
	if d.again(now.Add(-time.Second), now) != nil {
		t.Error("again at once")
	}
	read(6, first)
	second := d.next(now)
	if m, err := protocol.ReadDecisions(second); err != nil || len(m.List) != 2 || m.Number != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	read(7, first) // it was sent twice
	read(8, second)
	read(9, second)
	if len(heard) != 3 || heard[0] != 1 || heard[2] != 3 {
		t.Error(heard)
	}
}

// A stream whose last message is another one than was read: a later one is to be read first, an earlier one is the end
// that the stream has now.
func TestRefusedDecisions(t *testing.T) {
	d := decisions{last: 9}
	d.waiting = []decision{{began(1), nil}}
	now := time.Now()
	d.next(now)
	if d.refused(10) || d.last != 9 {
		t.Error("it doesn't wait for the later one")
	}
	if !d.refused(4) || d.last != 4 || d.again(now, now) == nil {
		t.Error("it doesn't go on from the stream's end")
	}
}

// The next driver is told what the one before has decided, also when that came late, before its own decisions count.
func TestDecisionsOfFormerDrivers(t *testing.T) {
	h := startHead(t, calm)
	first, _ := openJob(t, h, Config{Name: "j"})
	stored := make(chan struct{})
	first.Decide(began(1), func() { close(stored) })
	wait(t, stored)
	var told []byte
	second, _ := openJob(t, h, Config{Name: "j", TakeOver: true, Decided: func(d *protocol.Decisions) {
		told = append(told, d.List[0].Key[0])
	}})
	if string(told) != "\x01" { // nobody adds to it from here on until the late one
		t.Errorf("told %x", told)
	}
	js, err := jetstream.New(h.conn)
	if err != nil {
		t.Fatal(err)
	}
	late := protocol.Decisions{Epoch: 1, Number: 9, List: []protocol.Decision{began(2)}}
	if _, err := js.Publish(within(t), protocol.DecisionSubject(second.Job()), late.Append(nil)); err != nil {
		t.Fatal(err)
	}
	order := make(chan []byte, 1)
	second.Decide(began(3), func() { order <- told })
	select {
	case got := <-order:
		if string(got) != "\x01\x02" {
			t.Errorf("told before its own: %x", got)
		}
	case <-within(t).Done():
		t.Fatal("its decision doesn't count")
	}
}

func wait(t testing.TB, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-within(t).Done():
		t.Fatal("it doesn't come")
	}
}
