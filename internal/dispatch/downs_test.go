package dispatch

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
		var d Downs
		said, heard := map[string]int{}, map[string][]int{}
		var wire []Message
		var answers []Message
		now := 0
		deliver := func(m Message) {
			for _, it := range m.Items {
				n := int(it.(protocol.TakeBack).Task)
				if have := len(heard[m.Node]); n == have {
					heard[m.Node] = append(heard[m.Node], n)
				} else if n > have {
					t.Fatalf("%s hears %d before %d", m.Node, n, have)
				}
			}
			answers = append(answers, m)
		}
		send := func() {
			for m, ok := d.Next(after(now)); ok; m, ok = d.Next(after(now)) {
				wire = append(wire, m)
			}
			wire = append(wire, d.Again(after(now-2), after(now))...)
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			node := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1:
				d.Add(node, item(said[node]))
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
					d.Answered("another", answers[0].Number) // it isn't its to answer
					d.Answered(answers[0].Node, answers[0].Number)
					answers = answers[rapid.IntRange(0, 1).Draw(t, "again"):]
				}
			}
		}
		for range 1000 {
			if d.Idle() {
				break
			}
			now += 10
			send()
			for _, m := range wire {
				deliver(m)
			}
			for _, m := range answers {
				d.Answered(m.Node, m.Number)
			}
			wire, answers = nil, nil
		}
		for node, n := range said {
			if len(heard[node]) != n {
				t.Fatalf("%s has heard %d of %d", node, len(heard[node]), n)
			}
		}
		if !d.Idle() || len(d.flying) > 0 {
			t.Fatal("something is left")
		}
	})
}

// TestDownsAreCut: no message is much longer than it may be, unless a single item is.
func TestDownsAreCut(t *testing.T) {
	var d Downs
	long := protocol.Settle{Value: protocol.Value{Form: protocol.Inline, Data: make([]byte, 60<<10)}}
	for range 100 {
		d.Add("a", long)
	}
	n := 0
	for m, ok := d.Next(start); ok; m, ok = d.Next(start) {
		down := protocol.Down{Items: m.Items}
		if size := len(down.Append(nil)); size > MaxMessage {
			t.Errorf("a message of %d bytes", size)
		}
		n += len(m.Items)
		d.Answered("a", m.Number)
	}
	if n != 100 {
		t.Errorf("%d of 100 items were sent", n)
	}
}

// TestDownsSayOnceThatALineIsLong: and again once it was short.
func TestDownsSayOnceThatALineIsLong(t *testing.T) {
	var d Downs
	long := protocol.Settle{Value: protocol.Value{Form: protocol.Inline, Data: make([]byte, 1<<20)}}
	times := 0
	for range 100 {
		if d.Add("a", long) {
			times++
		}
	}
	if times != 1 {
		t.Errorf("said %d times", times)
	}
}

// TestDropped: nothing is sent to a node that was dropped, and what is said to it once it is back comes alone.
func TestDropped(t *testing.T) {
	var d Downs
	d.Add("a", item(1))
	m, _ := d.Next(start)
	d.Add("a", item(2))
	d.Drop("a")
	if !d.Idle() || len(d.Again(start.Add(time.Hour), start)) > 0 {
		t.Error("something is left")
	}
	d.Add("a", item(3))
	d.Answered("a", m.Number)
	m, ok := d.Next(start) // an answer of before doesn't count
	if !ok || fmt.Sprint(m.Items) != fmt.Sprint([]protocol.Item{item(3)}) {
		t.Errorf("sent %v", m.Items)
	}
}
