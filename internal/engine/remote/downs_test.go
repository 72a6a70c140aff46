package remote

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

func item(n int) protocol.Item {
	return protocol.TakeBack{Attempt: protocol.Attempt{Task: uint64(n), N: 1}}
}

// TestDowns sends through a network that loses messages and answers, repeats and delays them: each node hears all that
// is said to it, and what it hears for the first time comes in order.
func TestDowns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d downs
		said, heard := map[string]int{}, map[string][]int{}
		var wire []message
		var answers []message
		now := 0
		deliver := func(m message) {
			for _, it := range m.items {
				n := int(it.(protocol.TakeBack).Task)
				if have := len(heard[m.node]); n == have {
					heard[m.node] = append(heard[m.node], n)
				} else if n > have {
					t.Fatalf("%s hears %d before %d", m.node, n, have)
				}
			}
			answers = append(answers, m)
		}
		send := func() {
			for m, ok := d.next(after(now)); ok; m, ok = d.next(after(now)) {
				wire = append(wire, m)
			}
			wire = append(wire, d.again(after(now-2), after(now))...)
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			node := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1:
				d.add(node, item(said[node]))
				said[node]++
			case 2:
				now++
				send()
			case 3, 4:
				if len(wire) > 0 {
					i := rapid.IntRange(0, len(wire)-1).Draw(t, "which")
					deliver(wire[i])
					if rapid.Bool().Draw(t, "once") {
						wire = slices.Delete(wire, i, i+1)
					}
				}
			case 5:
				if len(wire) > 0 {
					wire = wire[1:]
				}
			case 6:
				if len(answers) > 0 {
					d.answered("another", answers[0].number) // it isn't its to answer
					d.answered(answers[0].node, answers[0].number)
					answers = answers[rapid.IntRange(0, 1).Draw(t, "again"):]
				}
			}
		}
		for range 1000 {
			if d.idle() {
				break
			}
			now += 10
			send()
			for _, m := range wire {
				deliver(m)
			}
			for _, m := range answers {
				d.answered(m.node, m.number)
			}
			wire, answers = nil, nil
		}
		for node, n := range said {
			if len(heard[node]) != n {
				t.Fatalf("%s has heard %d of %d", node, len(heard[node]), n)
			}
		}
		if !d.idle() || len(d.flying) > 0 {
			t.Fatal("something is left")
		}
	})
}

// TestDownsAreCut: no message is much longer than it may be, unless a single item is.
func TestDownsAreCut(t *testing.T) {
	var d downs
	long := protocol.Settle{Value: protocol.Value{Form: protocol.Inline, Data: make([]byte, 60<<10)}}
	for range 100 {
		d.add("a", long)
	}
	n := 0
	for m, ok := d.next(start); ok; m, ok = d.next(start) {
		down := protocol.Down{Items: m.items}
		if size := len(down.Append(nil)); size > maxMessage {
			t.Errorf("a message of %d bytes", size)
		}
		n += len(m.items)
		d.answered("a", m.number)
	}
	if n != 100 {
		t.Errorf("%d of 100 items were sent", n)
	}
}

// TestDownsSayOnceThatALineIsLong: and again once it was short.
func TestDownsSayOnceThatALineIsLong(t *testing.T) {
	var d downs
	long := protocol.Settle{Value: protocol.Value{Form: protocol.Inline, Data: make([]byte, 1<<20)}}
	times := 0
	for range 100 {
		if d.add("a", long) {
			times++
		}
	}
	if times != 1 {
		t.Errorf("said %d times", times)
	}
}

// TestDropped: nothing is sent to a node that was dropped, and what is said to it once it is back comes alone.
func TestDropped(t *testing.T) {
	var d downs
	d.add("a", item(1))
	m, _ := d.next(start)
	d.add("a", item(2))
	d.drop("a")
	if !d.idle() || len(d.again(start.Add(time.Hour), start)) > 0 {
		t.Error("something is left")
	}
	d.add("a", item(3))
	d.answered("a", m.number)
	m, ok := d.next(start) // an answer of before doesn't count
	if !ok || fmt.Sprint(m.items) != fmt.Sprint([]protocol.Item{item(3)}) {
		t.Errorf("sent %v", m.items)
	}
}
