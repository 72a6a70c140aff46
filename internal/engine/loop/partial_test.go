package loop_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

var (
	calls  atomic.Int64
	uneven = function("loop.uneven", func(ctx context.Context, n int) (int, error) {
		calls.Add(1)
		switch {
		case n < 0:
			return 0, nil
		case n%50 == 7:
			panic("seven")
		case n%50 == 13:
			return 0, errors.New("thirteen")
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		return n + 1, ctx.Err()
	}, engine.Options{CPUs: 1})
)

// The items of a chunk that turn out slow are worked off by all nodes: each once, and in their places.
func TestSlowItemsOfAChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, _ := openLoop(t, engine.Config{}, 2, 4)
		calls.Store(0)
		const cheap, slow = 3000, 200
		items := make([]int, cheap+slow)
		for i := range items {
			if items[i] = -1; i >= cheap {
				items[i] = i
			}
		}
		limited, cancel := context.WithTimeout(ctx, slow/8*4*time.Second) // in the bubble; one slot would need 200 s
		defer cancel()
		at := 0
		for v, err := range uneven.Map(limited, engine.All(slices.Values(items))) {
			switch te := (*engine.TaskError)(nil); {
			case at >= cheap && (at%50 == 7 || at%50 == 13):
				if !errors.As(err, &te) || te.Item != at || !strings.Contains(err.Error(), map[int]string{7: "seven", 13: "thirteen"}[at%50]) {
					t.Fatalf("item %d: %v", at, err)
				}
			case err != nil:
				t.Fatalf("item %d: %v", at, err)
			case at < cheap && v != 0 || at >= cheap && v != at+1:
				t.Fatalf("item %d: %d", at, v)
			}
			at++
		}
		if n := calls.Load(); at != len(items) || n != int64(at) {
			t.Errorf("%d results of %d items, %d calls", at, len(items), n)
		}
	})
}

// A driver that goes on where another was takes what was recorded of a chunk whose last items were left to others, and cuts
// these as they were: nothing runs again.
func TestPartialChunksAreReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ran, parts, restored := mapByHand(t, nil)
		if parts < 4 || restored != 0 {
			t.Fatalf("%d chunks are parts of another, %d items restored: this proves nothing", parts, restored)
		}
		if again, _, restored := mapByHand(t, ran); len(again) > 0 || restored != 200 {
			t.Errorf("%d chunks run again, %d items are said to be restored", len(again), restored)
		}
	})
}

// mapByHand has a driver range over a Map, after it has heard what an earlier one's chunks came to: of the large ones, a node
// works off three items. It gives what ran, how many of that began within a chunk that was given out before, and how many
// items an event said to be restored.
func mapByHand(t *testing.T, ended []protocol.Outcome) (ran []protocol.Outcome, parts, restored int) {
	t.Helper()
	ctx, s, _ := openHand(t, true)
	var sum atomic.Int64
	s.Listen(engine.Listener{Mask: event.Of(event.ResultRestored), Tell: func(e event.Event) { sum.Add(int64(e.Items)) }})
	s.Survey([]protocol.NodeInfo{{Node: "b", Name: "b", Alive: true, CPUs: float64(1 + len(ended))}}) // another number of pieces
	for i := range ended {
		s.Replay(&protocol.Outcomes{Node: "a", List: ended[i : i+1]})
	}
	const items = 200
	done, results := make(chan struct{}), 0
	go func() {
		defer close(done)
		for v, err := range plain.Map(ctx, upTo(items)) {
			if v != results || err != nil {
				t.Errorf("item %d: %d, %v", results, v, err)
			}
			results++
		}
	}()
	end := 0 // of the chunks so far
	for range 1000 {
		synctest.Wait()
		task := takes(s, "b")
		if task == nil {
			continue
		}
		from, size := int(binary.LittleEndian.Uint32(task.Key[5:])), int(binary.LittleEndian.Uint16(task.Key[9:]))
		if from < end {
			parts++
		}
		if end = max(end, from+size); size >= 16 {
			size = 3
		}
		o := protocol.Outcome{ID: task.ID, Attempt: task.Attempt, Key: task.Key, Status: protocol.Succeeded, Took: 1}
		o.Value.Form = protocol.List
		for n := from; n < from+size; n++ {
			data := []byte{0x18, byte(n)}
			if n < 24 {
				data = data[1:]
			}
			o.Value.Parts = append(o.Value.Parts, protocol.Value{Form: protocol.Inline, Data: data})
		}
		ran = append(ran, o)
		s.Outcomes(&protocol.Outcomes{Node: "b", List: []protocol.Outcome{o}})
	}
	<-done
	if results != items {
		t.Errorf("%d results of %d items", results, items)
	}
	return ran, parts, int(sum.Load())
}
