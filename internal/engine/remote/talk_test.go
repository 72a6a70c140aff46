package remote

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// notes are what a carrier has noted.
type notes chan string

func newNotes() notes { return make(notes, 1000) }

func (n notes) take(text string) { n <- text }

// wait waits for a note that contains a text.
func (n notes) wait(t *testing.T, text string) {
	t.Helper()
	ctx := within(t)
	for {
		select {
		case got := <-n:
			if strings.Contains(got, text) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("never noted: %s", text)
		}
	}
}

// TestWhatIsSaidToNodes comes in order, to each its own, and again until it is heard.
func TestWhatIsSaidToNodes(t *testing.T) {
	h := startHead(t, calm)
	c, _ := openJob(t, h, Config{beat: 1e6, resend: 1e6})
	a, b := newAgent(t, h, c, "a"), newAgent(t, h, c, "b")
	b.setDeaf(true)
	for n := range 1000 {
		c.Send("a", item(n))
		c.Send("b", item(n))
	}
	hears(t, a, 1000)
	b.setDeaf(false)
	hears(t, b, 1000)
}

// hears checks that an agent hears items 0 to n-1 in order, some of them perhaps again.
func hears(t *testing.T, a *agent, n int) {
	t.Helper()
	ctx := within(t)
	for next := 0; next < n; {
		select {
		case d := <-a.heard:
			for _, it := range d.Items {
				switch got := int(it.(protocol.TakeBack).Task); {
				case got == next:
					next++
				case got > next:
					t.Fatalf("node %s hears %d before %d", a.node, got, next)
				}
			}
		case <-ctx.Done():
			t.Fatalf("node %s has heard %d of %d", a.node, next, n)
		}
	}
}

// TestLongSettle: a value that no message can carry reaches the node as a failure.
func TestLongSettle(t *testing.T) {
	h := startHead(t, calm)
	c, _ := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	by := protocol.Attempt{Task: 7, N: 1}
	c.Send("a", protocol.Settle{By: by, Ref: protocol.KeyRef(protocol.Key{1}),
		Value: protocol.Value{Form: protocol.Inline, Data: make([]byte, 2<<20)}})
	d := <-a.heard
	s, ok := d.Items[0].(protocol.Settle)
	if !ok || s.By != by || s.Value.Form != protocol.Failure || !bytes.Contains(s.Value.Data, []byte("longer than a message")) {
		t.Errorf("got %+v", d)
	}
}

// TestUps: what a node says in another's name, in another epoch or without sense isn't passed on; what belongs to a newer
// driver isn't even answered, since that one must hear it.
func TestUps(t *testing.T) {
	h := startHead(t, calm)
	n := newNotes()
	c, s := openJob(t, h, Config{Note: n.take})
	a := newAgent(t, h, c, "a")
	ask := func(subject string, data []byte) error {
		_, err := a.conn.Request(subject, data, 200*time.Millisecond)
		return err
	}
	want := protocol.Started{Attempt: protocol.Attempt{Task: 1, N: 1}}
	up := func(epoch uint32, node string) []byte {
		u := protocol.Up{Epoch: epoch, Node: node, Items: []protocol.Item{want}}
		return u.Append(nil)
	}
	subject := protocol.UpSubject(c.Job(), "a")
	if ask(subject, up(c.Epoch(), "b")) != nil || ask(subject, []byte("nonsense")) != nil || ask(subject, up(0, "a")) != nil {
		t.Error("no answer, so it would come again and again")
	}
	if ask(subject, up(c.Epoch()+1, "a")) == nil {
		t.Error("what is for a newer driver was answered")
	}
	n.wait(t, "in the name of node b")
	n.wait(t, "makes no sense")
	if err := ask(subject, up(c.Epoch(), "a")); err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ups) != 1 || s.ups[0] != want {
		t.Errorf("passed on: %v", s.ups)
	}
}

func TestValues(t *testing.T) {
	h := startHead(t, calm)
	c, _ := openJob(t, h, Config{})
	ctx := within(t)
	data := bytes.Repeat([]byte("muster"), 100_000)
	id, size, err := c.PutValue(ctx, data)
	if err != nil || size != int64(len(data)) {
		t.Fatal(id, size, err)
	}
	if got, err := c.GetValue(ctx, id, size); err != nil || !bytes.Equal(got, data) {
		t.Error(len(got), err)
	}
	if _, err := c.GetValue(ctx, id, size-1); err == nil {
		t.Error("a longer value than announced was taken")
	}
	var refused *protocol.Refusal
	if _, err := c.GetValue(ctx, strings.Repeat("0", 64), 1); !errors.As(err, &refused) {
		t.Errorf("a value that isn't there: %v", err)
	}
	before := h.puts
	if again, _, err := c.PutValue(ctx, data); err != nil || again != id || h.puts != before {
		t.Errorf("stored again: %v", err)
	}
}

// TestUploads: executables and files are uploaded once, and named in the request with their hashes.
func TestUploads(t *testing.T) {
	h := startHead(t, calm)
	config := Config{
		Name: "named", Program: "p", Functions: []string{"f", "g"}, Args: []string{"-x"}, Env: []string{"A=b"},
		Binaries: []Binary{{OS: "linux", Arch: "arm64", Path: "doc.go"}}, Files: []File{{Path: "in/data", From: "config.go"}},
	}
	openOnly(t, h, config)
	openOnly(t, h, config)
	if h.puts != 2 {
		t.Errorf("%d uploads", h.puts)
	}
	o := h.opens[0]
	if len(o.Binaries) != 1 || h.blobs[o.Binaries[0].Hash] == nil || o.Binaries[0].Arch != "arm64" || len(o.Files) != 1 ||
		int64(len(h.blobs[o.Files[0].Hash])) != o.Files[0].Size || o.Files[0].Path != "in/data" {
		t.Errorf("asked for %+v", o)
	}
	if o.Driver == "" || o.Driver == h.opens[1].Driver || o.PublicKey == "" || o.PID == 0 || o.Functions[1] != "g" {
		t.Errorf("asked for %+v", o)
	}
	config.Files[0].From = "no such file"
	config.Cluster = h
	if _, err := Open(context.Background(), config); err == nil || !strings.Contains(err.Error(), "in/data") {
		t.Errorf("a file that isn't there: %v", err)
	}
}

// TestOwnExecutable: without a word about binaries it is this process's.
func TestOwnExecutable(t *testing.T) {
	h := startHead(t, calm)
	c, err := Open(within(t), Config{Cluster: h})
	if err != nil {
		t.Fatal(err)
	}
	if b := h.opens[0].Binaries; len(b) != 1 || len(h.blobs[b[0].Hash]) < 1<<20 {
		t.Errorf("uploaded %+v", b)
	}
	if err := c.Close(within(t), errors.New("it has failed")); err != nil || h.closes[0].Error != "it has failed" {
		t.Error(err, h.closes)
	}
	if err := c.Close(within(t), nil); err != nil || len(h.closes) != 1 {
		t.Error("closed twice")
	}
}
