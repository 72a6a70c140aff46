package remote

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rec is record n of the stream, delivered for the so-manieth time. Its body is its number too.
func rec(n uint64, times uint64) *record[uint64] {
	return &record[uint64]{seq: n, times: times, at: after(int(n)), size: 1, body: n}
}

// TestOrder delivers records in any order, some of them not at all at first: they are given on in order, each once.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o order[uint64]
		n := uint64(rapid.IntRange(1, 40).Draw(t, "records"))
		times := map[uint64]uint64{}
		var got []uint64
		deliver := func(seq uint64) {
			times[seq]++
			next, cut := o.add(rec(seq, min(times[seq], patient-1)))
			if cut {
				t.Fatalf("record %d: the stream isn't cut", seq)
			}
			for _, r := range next {
				got = append(got, r.body)
			}
		}
		for range rapid.IntRange(0, 100).Draw(t, "deliveries") {
			deliver(uint64(rapid.IntRange(1, int(n)).Draw(t, "record")))
		}
		for seq := range n {
			deliver(seq + 1)
		}
		if uint64(len(got)) != n || !slices.IsSorted(got) || o.bytes != 0 || len(o.held) != 0 {
			t.Fatalf("got %v; %d bytes held", got, o.bytes)
		}
	})
}

// numbers delivers records and gives those that are given on.
func numbers(o *order[uint64], records ...*record[uint64]) (got string) {
	for _, r := range records {
		next, cut := o.add(r)
		if cut {
			got += "cut "
		}
		for _, r := range next {
			got += fmt.Sprint(r.body, " ")
		}
	}
	return got
}

// TestGapThatIsNeverFilled: records that come again and again without the one before them say that it is lost.
func TestGapThatIsNeverFilled(t *testing.T) {
	var o order[uint64]
	if got := numbers(&o, rec(1, 1), rec(3, 1), rec(4, 1), rec(3, 2), rec(4, 2), rec(3, 3), rec(4, 3)); got != "1 " {
		t.Errorf("got %s", got)
	}
	if got := numbers(&o, rec(4, 4)); got != "" {
		t.Errorf("record 3 is passed over: got %s", got)
	}
	if got := numbers(&o, rec(3, 4), rec(5, 1)); got != "3 4 5 " || o.bytes != 0 {
		t.Errorf("got %s", got)
	}
}

// TestCutStream: after a power cut the numbers of records that were read are used again.
func TestCutStream(t *testing.T) {
	var o order[uint64]
	numbers(&o, rec(1, 1), rec(2, 1), rec(3, 1), rec(5, 1))
	again := rec(2, 1)
	again.at = after(100)
	if got := numbers(&o, rec(3, 2), again, rec(2, 2)); got != "cut 2 " {
		t.Errorf("got %s", got)
	}
	third := rec(3, 1)
	third.at = after(101)
	fourth := rec(4, 1)
	fourth.at = after(102)
	if got := numbers(&o, third, fourth); got != "3 4 " { // and not the old 5
		t.Errorf("got %s", got)
	}
}

// TestHeldIsBounded: what doesn't fit comes again.
func TestHeldIsBounded(t *testing.T) {
	var o order[uint64]
	big := func(n uint64) *record[uint64] { r := rec(n, 1); r.size = maxHeld / 2; return r }
	if got := numbers(&o, big(2), big(3), big(4), big(1), big(4)); got != "1 2 3 4 " {
		t.Errorf("got %s", got)
	}
}

// after is a time, so many seconds from a fixed one.
func after(n int) time.Time { return time.Unix(1_000_000+int64(n), 0) }
