package cluster_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// impatient opens a session in which what no node can meet fails soon, and gives its hints.
func impatient(t *testing.T, cfg muster.Config) (context.Context, <-chan string) {
	t.Helper()
	cfg.UnsatisfiableAfter = time.Millisecond
	hints := make(chan string, 16)
	cfg.OnEvent = func(e event.Event) {
		if e.Kind == event.Hint {
			hints <- e.Text
		}
	}
	s, ctx, err := muster.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // what failed is what the test is about
	return ctx, hints
}

func TestWhatNoNodeCanMeet(t *testing.T) {
	c := cluster.Start(t, 1)
	ctx, hints := impatient(t, c.Config())
	_, err := inc.With(muster.CPUs(3)).Call(ctx, 1)
	if err == nil || !strings.Contains(err.Error(), "it needs 3 CPUs; no node has more than 2, after 1ms: add such a node, or ask for less") {
		t.Error(err)
	}
	if text := <-hints; !strings.Contains(text, "cluster.inc waits: it needs 3 CPUs") {
		t.Error(text)
	}
	_, err = inc.With(muster.Where("zone=mars")).Call(ctx, 1)
	if err == nil || !strings.Contains(err.Error(), `no node has the labels "zone=mars"`) {
		t.Error(err)
	}
}

var heavyParent = muster.Func("cluster.heavyparent", func(ctx context.Context, bytes int64) (int, error) {
	return inc.With(muster.Memory(bytes)).Call(ctx, 1)
})

// A task that holds most of the only node's memory, and waits for one that needs as much, doesn't wait for ever.
func TestStuckOnANode(t *testing.T) {
	c := cluster.Start(t, 1)
	ctx, _ := impatient(t, c.Config())
	_, err := inc.With(muster.Memory(1<<60)).Call(ctx, 1)
	_, text, _ := strings.Cut(fmt.Sprint(err), "no node has more than ")
	number, _, _ := strings.Cut(text, ",")
	has, bad := strconv.ParseFloat(number, 64)
	if bad != nil {
		t.Fatal(err, bad)
	}
	most := int64(has * 0.6)
	_, err = heavyParent.With(muster.Memory(most)).Call(ctx, most)
	for _, want := range []string{"cluster.inc", "it needs Memory", "cluster.heavyparent #2 on node node1", "release it before Get"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A task that holds all that its user's limit allows, and waits for one that needs some of it, doesn't wait for ever,
// though the node has more.
func TestStuckAtALimit(t *testing.T) {
	c := cluster.Start(t, 1)
	admin := asAdmin(t, c)
	limits := protocol.UserShare{Name: "admin", Limits: protocol.Limits{Memory: 10 << 20}}
	if err := admin.Ask(t.Context(), protocol.OpPutUser, limits, nil); err != nil {
		t.Fatal(err)
	}
	ctx, _ := impatient(t, c.Config())
	_, err := heavyParent.With(muster.Memory(6<<20)).Call(ctx, 6<<20)
	for _, want := range []string{"cluster.inc", "it needs Memory", "cluster.heavyparent", "and have the limit raised"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if n, err := heavyParent.With(muster.Memory(4<<20)).Call(ctx, 6<<20); err != nil || n != 2 {
		t.Errorf("%d, %v of two that keep to the limit together", n, err)
	}
}
