//go:build unix

package agent

import (
	"bytes"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// A call that is longer than the server's messages fails, and says so, in its place among the others.
func TestCallTooLong(t *testing.T) {
	c := startCluster(t)
	conn := c.connect()
	u := newUplink(conn, testConfig(conn, "n1", t.TempDir()).Logger, "j1", "n1", conn.NewInbox())
	by := protocol.Attempt{Task: 3, N: 1}
	u.say(nil, protocol.Block{By: by, Waits: true},
		protocol.Call{By: by, Seq: 7, Kind: protocol.CallPut, Arg: make([]byte, conn.MaxPayload())}, protocol.Block{By: by})
	var items []protocol.Item
	for _, l := range u.lists {
		m, err := protocol.ReadUp(l.AppendUp(nil, 1, "n1"))
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, m.Items...)
	}
	if len(items) != 3 {
		t.Fatalf("%d items", len(items))
	}
	if k, ok := items[1].(protocol.Call); !ok || k.By != by || k.Seq != 7 || k.Kind != protocol.CallFail ||
		!bytes.Contains(k.Arg, []byte("pass less, or Refs")) {
		t.Errorf("got %+v", items[1])
	}
}

// What is to be done once all is heard that was said isn't forgotten while the last message is on its way, nor done early.
func TestOnceAllIsHeard(t *testing.T) {
	c := startCluster(t)
	conn := c.connect()
	u := newUplink(conn, testConfig(conn, "n1", t.TempDir()).Logger, "j1", "n1", conn.NewInbox())
	nothing := func() {}
	if u.onceHeard(nothing) {
		t.Error("nothing was said")
	}
	u.say(nil, protocol.Block{})
	if !u.onceHeard(nothing) {
		t.Error("something waits")
	}
	_, _, after, ok := u.next(t.Context())
	if !ok || len(after) != 1 || !u.onceHeard(nothing) {
		t.Error("something is on its way")
	}
	u.say(nil, protocol.Block{})
	if more := u.landed(true); len(more) != 0 {
		t.Error("something was said before that isn't heard")
	}
	if _, _, after, _ = u.next(t.Context()); len(after) != 1 || !u.onceHeard(nothing) {
		t.Error("the last message is on its way")
	}
	if more := u.landed(true); len(more) != 1 {
		t.Error("it has landed")
	}
	if more := u.landed(true); len(more) != 0 || u.onceHeard(nothing) || !u.idle() {
		t.Error("nothing is left")
	}
}
