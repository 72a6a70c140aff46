package dispatch

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

func offerOf(node string, number uint64) *Parked {
	return &Parked{Offer: protocol.Offer{Node: node, Number: number}, Reply: fmt.Sprint(node, number)}
}

// TestLot compares the lot with a plain list.
func TestLot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Lot
		var want, fresh []*Parked
		at := func(node string) int {
			return slices.IndexFunc(want, func(p *Parked) bool { return p.Node == node })
		}
		for n := range rapid.IntRange(1, 50).Draw(t, "steps") {
			node := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "node")
			i := at(node)
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				p := offerOf(node, uint64(n))
				fresh = append(fresh, p)
				if !l.Add(p) {
					t.Fatalf("%v is refused", p)
				}
				if i >= 0 {
					want[i] = p
				} else {
					want = append(want, p)
				}
			case 2:
				p := l.Remove(node)
				if (p == nil) != (i < 0) || p != nil && p != want[i] {
					t.Fatalf("removed %v", p)
				}
				if i >= 0 {
					want = slices.Delete(want, i, i+1)
				}
			case 3:
				if got := l.Clear(); !slices.Equal(got, want) {
					t.Fatalf("cleared %v, not %v", got, want)
				}
				want = nil
			case 4:
				fresh = slices.DeleteFunc(fresh, func(p *Parked) bool { return !slices.Contains(want, p) })
				if got := l.Fresh(nil); !slices.Equal(got, fresh) {
					t.Fatalf("%v are fresh, not %v", got, fresh)
				}
				fresh = nil
				continue
			case 5:
				fresh = nil
				_ = l.All(nil)
			}
			if n%2 == 0 {
				continue // All makes nothing fresh
			}
			fresh = nil
			if got := l.All(nil); !slices.Equal(got, want) {
				t.Fatalf("has %v, not %v", got, want)
			}
		}
	})
}

// TestLotIsBounded: an agent that claims one name after the other doesn't fill the memory.
func TestLotIsBounded(t *testing.T) {
	var l Lot
	for n := range maxParked {
		if !l.Add(offerOf(fmt.Sprint(n), 1)) {
			t.Fatal("refused too early")
		}
	}
	if l.Add(offerOf("more", 1)) {
		t.Error("the lot is never full")
	}
	if !l.Add(offerOf("1", 2)) || l.Remove("1").Number != 2 {
		t.Error("a full lot doesn't take a newer offer for an older one")
	}
}
