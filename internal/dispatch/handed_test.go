package dispatch

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

// start is a time; tests count from it.
var start = time.Unix(1_000_000, 0)

func after(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

// TestHanded compares it with a plain list.
func TestHanded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h Handed
		var want []Batch
		number, now := uint64(0), 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			node := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "node")
			some := uint64(rapid.IntRange(0, int(number)+1).Draw(t, "number"))
			is := func(b Batch) bool { return b.Number == some }
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				number++
				h.Add(number, node, []protocol.Task{{ID: number, Attempt: 1}}, after(now))
				want = append(want, Batch{Number: number, Node: node, at: after(now)})
			case 2:
				h.Confirm(node, some, after(now))
				want = slices.DeleteFunc(want, func(b Batch) bool { return is(b) && b.Node == node })
			case 3:
				if got := h.Remove(some); (got != nil) != slices.ContainsFunc(want, is) {
					t.Fatalf("removed %v", got)
				}
				want = slices.DeleteFunc(want, is)
			case 4:
				h.Drop(node)
				want = slices.DeleteFunc(want, func(b Batch) bool { return b.Node == node })
			case 5:
				now += rapid.IntRange(0, 3).Draw(t, "seconds")
				want = checkDue(t, &h, want, after(now-2))
			}
			if len(h.batches) != len(want) {
				t.Fatalf("has %d, not %d", len(h.batches), len(want))
			}
		}
	})
}

func checkDue(t *rapid.T, h *Handed, want []Batch, before time.Time) (rest []Batch) {
	patient := before.Add(-4 * h.late.Value())
	due := h.Due(before)
	before = patient
	for _, b := range want {
		if !b.at.Before(before) {
			rest = append(rest, b)
			continue
		}
		if len(due) == 0 || due[0].Number != b.Number || due[0].Tasks[0].Task != b.Number {
			t.Fatalf("batch %d is due, not %v", b.Number, due)
		}
		due = due[1:]
	}
	if len(due) > 0 {
		t.Fatalf("%v isn't due", due)
	}
	return rest
}

// TestGrant: what nodes couldn't confirm while the head was away isn't overdue when it is back.
func TestGrant(t *testing.T) {
	var h Handed
	h.Add(1, "a", nil, after(0))
	h.Grant(after(10))
	if due := h.Due(after(10)); len(due) > 0 {
		t.Error("due too early")
	}
	if due := h.Due(after(11)); len(due) != 1 {
		t.Error("never due")
	}
}
