package loop_test

import (
	"context"
	"encoding/binary"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

var plain = function("loop.plain", func(_ context.Context, n int) (int, error) { return n, nil }, engine.Options{CPUs: 1})

func upTo(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// TestReplayedChunksDontCount: what an earlier driver's chunks came to is there at once, which says nothing of what items
// cost. The new driver's chunks are as small as any Map's first ones, so that all nodes share what is left.
func TestReplayedChunksDontCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := rangeOver(t)
		if len(given) < 4 {
			t.Fatalf("%d chunks are given out", len(given))
		}
		left := rangeOver(t, given...)
		if len(left) == 0 {
			t.Fatal("nothing is given out")
		}
		for _, task := range left {
			if size := binary.LittleEndian.Uint16(task.Key[9:]); size != 1 {
				t.Errorf("a chunk has %d items before anything has run", size)
			}
		}
	})
}

// rangeOver has a driver range over a Map, after it has heard what chunks of an earlier one came to. It gives the
// chunks that a node gets.
func rangeOver(t *testing.T, ended ...protocol.Task) (given []protocol.Task) {
	t.Helper()
	results := 0
	ctx, s, _ := openHand(t, true)
	ctx, cancel := context.WithCancel(ctx)
	for i := range ended {
		value := protocol.Value{Form: protocol.Inline, Data: []byte{0x81, byte(i)}} // one result
		o := protocol.Outcome{ID: ended[i].ID, Attempt: ended[i].Attempt, Key: ended[i].Key, Status: protocol.Succeeded, Value: value}
		s.Replay(&protocol.Outcomes{Node: "a", List: []protocol.Outcome{o}})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, err := range plain.Map(ctx, upTo(200)) {
			if err == nil {
				results++
			}
		}
	}()
	for range 50 { // an offer that meets recorded chunks alone gets nothing
		synctest.Wait()
		if task := takes(s, "b"); task != nil {
			given = append(given, *task)
		}
	}
	cancel()
	<-done
	if results != len(ended) {
		t.Errorf("%d results of %d that were recorded", results, len(ended))
	}
	return given
}
