//go:build unix

package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host gives what it gets to the test.
type host struct {
	welcome chan *protocol.Welcome
	tasks   chan *protocol.Batch
	down    chan *protocol.Down
}

func newHost() *host {
	return &host{make(chan *protocol.Welcome, 1), make(chan *protocol.Batch, 100), make(chan *protocol.Down, 100)}
}

func (h *host) Welcome(w *protocol.Welcome) { h.welcome <- w }
func (h *host) Tasks(b *protocol.Batch) {
	h.tasks <- &protocol.Batch{Epoch: b.Epoch, Tasks: slices.Clone(b.Tasks)}
}
func (h *host) Down(d *protocol.Down) { h.down <- d }

// agent is the other end of the socket.
type agent struct {
	t      testing.TB
	conn   net.Conn
	frames *protocol.FrameReader
}

// pair is both ends of a socket.
func pair(t testing.TB) (worker, agent net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := make([]net.Conn, 2)
	for i, fd := range fds {
		if ends[i], err = Socket(fd); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ends[i].Close() })
	}
	return ends[0], ends[1]
}

// start runs a worker, past its welcome; ended gives Run's error.
func start(t testing.TB, ctx context.Context, h Host) (a *agent, w *Worker, ended chan error) {
	t.Helper()
	mine, its := pair(t)
	w = New(Config{Socket: mine, Functions: []string{"f", "g"}})
	ended = make(chan error, 1)
	go func() { ended <- w.Run(ctx, h) }()
	a = &agent{t, its, protocol.NewFrameReader(its)}
	kind, body := a.next()
	hello, err := protocol.ReadHello(body)
	if kind != protocol.FrameHello || err != nil || hello.PID != os.Getpid() || len(hello.Functions) != 2 {
		t.Fatalf("got frame %d, %+v, %v", kind, hello, err)
	}
	welcome := protocol.Welcome{Major: protocol.Major, Job: "j", Node: "n", Functions: []string{"g"}}
	a.send(protocol.FrameWelcome, welcome.Append)
	return a, w, ended
}

func (a *agent) next() (protocol.FrameKind, []byte) {
	a.t.Helper()
	kind, body, err := a.frames.Next()
	if err != nil {
		a.t.Fatal(err)
	}
	return kind, body
}

func (a *agent) send(kind protocol.FrameKind, fill func([]byte) []byte) {
	a.t.Helper()
	if _, err := a.conn.Write(protocol.AppendFrame(nil, kind, fill)); err != nil {
		a.t.Fatal(err)
	}
}

func TestConversation(t *testing.T) {
	h := newHost()
	a, w, ended := start(t, t.Context(), h)
	if got := <-h.welcome; got.Job != "j" || got.Node != "n" || got.Functions[0] != "g" {
		t.Errorf("welcome %+v", got)
	}
	batch := protocol.Batch{Tasks: []protocol.Task{{ID: 7, Attempt: 1, Arg: []byte{1}}, {ID: 8, Attempt: 2}}}
	a.send(protocol.FrameTasks, batch.Append)
	batch.Tasks[0].Arg = []byte{2} // of the next frame: the first one's bytes are the host's
	a.send(protocol.FrameTasks, batch.Append)
	first, second := <-h.tasks, <-h.tasks
	if first.Tasks[0].Arg[0] != 1 || second.Tasks[0].Arg[0] != 2 || first.Tasks[1].ID != 8 {
		t.Errorf("tasks %+v, %+v", first, second)
	}
	by := protocol.Attempt{Task: 7, N: 1}
	a.send(protocol.FrameDown, (&protocol.Down{Items: []protocol.Item{protocol.Stop{Attempt: by}}}).Append)
	if d := <-h.down; d.Items[0].(protocol.Stop).Task != 7 {
		t.Errorf("down %+v", d)
	}
	a.send(99, func(dst []byte) []byte { return append(dst, "of a later version"...) })
	a.send(protocol.FramePing, nil)
	if kind, _ := a.next(); kind != protocol.FramePong {
		t.Errorf("the answer to ping is a frame of kind %d", kind)
	}
	w.Link().Log(by, "a line")
	if kind, body := a.next(); kind != protocol.FrameLog || !bytes.Contains(body, []byte("a line")) {
		t.Errorf("the log is a frame of kind %d", kind)
	}
	a.send(protocol.FrameQuit, nil)
	if err := <-ended; err != nil {
		t.Errorf("after quit: %v", err)
	}
	w.Link().Outcome(&protocol.Outcome{ID: 7}) // nobody reads it, and nobody waits
}

// Calls go before the outcome of their attempt, and outcomes that follow each other share a frame.
func TestOrder(t *testing.T) {
	mine, its := pair(t)
	w := New(Config{Socket: mine})
	by := protocol.Attempt{Task: 1, N: 1}
	outcome := &protocol.Outcome{ID: 1, Attempt: 1, Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline}}
	w.Link().Outcome(outcome)
	w.Link().Outcome(outcome)
	want := protocol.Want{By: by, Ref: protocol.KeyRef(protocol.Key{}), Waits: true}
	w.Link().Send(want, protocol.Block{By: by, Waits: true})
	w.Link().Outcome(outcome)
	var all sync.WaitGroup
	all.Go(func() {
		w.link.flush(mine)
	})
	a := &agent{t, its, protocol.NewFrameReader(its)}
	var got []string
	for range 3 {
		switch kind, body := a.next(); kind {
		case protocol.FrameOutcomes:
			o, err := protocol.ReadOutcomes(body)
			got = append(got, fmt.Sprint(len(o.List), err))
		case protocol.FrameItems:
			u, err := protocol.ReadUp(body)
			got = append(got, fmt.Sprintf("%T %T %v", u.Items[0], u.Items[1], err))
		}
	}
	if want := "2 <nil>, protocol.Want protocol.Block <nil>, 1 <nil>"; strings.Join(got, ", ") != want {
		t.Errorf("got %q", got)
	}
	w.link.close()
	all.Wait()
}

// What doesn't fit a frame is told: a result as a failure of its task, an argument to the caller.
func TestTooLong(t *testing.T) {
	a, w, ended := start(t, t.Context(), newHost())
	long := make([]byte, maxPiece)
	succeeds := func(data []byte) {
		v := protocol.Value{Form: protocol.Inline, Data: data}
		w.Link().Outcome(&protocol.Outcome{ID: 3, Attempt: 1, Status: protocol.Succeeded, Value: v})
	}
	succeeds(long)
	_, body := a.next()
	o, err := protocol.ReadOutcomes(body)
	if err != nil || o.List[0].Status != protocol.Failed || !bytes.Contains(o.List[0].Value.Data, []byte("longer than the 7 MiB")) {
		t.Errorf("got %v", err)
	}
	by := protocol.Attempt{Task: 3, N: 1}
	w.Link().Send(protocol.Block{By: by}, protocol.Call{By: by, Seq: 7, Kind: protocol.CallPut, Arg: long}, protocol.Block{By: by})
	_, body = a.next()
	u, err := protocol.ReadUp(body)
	if err != nil || len(u.Items) != 3 {
		t.Fatal(u, err)
	}
	if k, ok := u.Items[1].(protocol.Call); !ok || k.By != by || k.Seq != 7 || k.Kind != protocol.CallFail ||
		!bytes.Contains(k.Arg, []byte("a message of this cluster holds 7340032")) {
		t.Errorf("got %+v", u.Items[1])
	}
	for range 5 { // each fits, together they don't
		succeeds(long[:3<<20])
	}
	for range 5 {
		a.next()
	}
	a.send(protocol.FrameQuit, nil)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestEnds(t *testing.T) {
	for name, end := range map[string]func(a *agent) error{
		"the socket ends":       func(a *agent) error { _ = a.conn.Close(); return ErrLost },
		"a frame is too long":   func(a *agent) error { _, _ = a.conn.Write([]byte{0, 0, 0, 255}); return protocol.ErrMalformed },
		"tasks make no sense":   func(a *agent) error { a.send(protocol.FrameTasks, nil); return protocol.ErrMalformed },
		"a down makes no sense": func(a *agent) error { a.send(protocol.FrameDown, nil); return protocol.ErrMalformed },
	} {
		t.Run(name, func(t *testing.T) {
			a, _, ended := start(t, t.Context(), newHost())
			want := end(a)
			if err := <-ended; !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
	t.Run("the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, _, ended := start(t, ctx, newHost())
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// Of another major version nothing but the version is read.
func TestVersion(t *testing.T) {
	mine, its := pair(t)
	w := New(Config{Socket: mine})
	ended := make(chan error, 1)
	go func() { ended <- w.Run(t.Context(), newHost()) }()
	a := &agent{t, its, protocol.NewFrameReader(its)}
	a.next()
	a.send(protocol.FrameWelcome, func(dst []byte) []byte { return append(dst, 9, 0, 255) })
	var version *protocol.VersionError
	if err := <-ended; !errors.As(err, &version) || version.Peer.Major != 9 {
		t.Errorf("got %v", err)
	}
}

// Who speaks waits while 64 MiB are unsent, and no longer than the socket lasts.
func TestFullLink(t *testing.T) {
	l := newLink()
	o := &protocol.Outcome{ID: 1, Value: protocol.Value{Form: protocol.Inline, Data: make([]byte, 1<<20)}}
	for range maxUnsent >> 20 {
		l.Outcome(o)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Outcome(o)
	}()
	if _, ok := l.take(io.Discard, nil); !ok {
		t.Fatal("closed")
	}
	<-done
	for range maxUnsent>>20 - 1 {
		l.Outcome(o)
	}
	go l.close()
	l.Outcome(o)
}

// The outcome of the last task that has come is written by who says it, with those that have gathered.
func TestLastOutcomeIsWrittenAtOnce(t *testing.T) {
	mine, its := pair(t)
	l := newLink()
	l.w = mine
	l.owe(2)
	l.Outcome(&protocol.Outcome{ID: 1, Status: protocol.Failed, Value: protocol.TextFailure("no")})
	if l.outcomes.Count() != 1 {
		t.Fatal("an outcome is written though another is to come")
	}
	l.Outcome(&protocol.Outcome{ID: 2, Status: protocol.Failed, Value: protocol.TextFailure("no")})
	if l.outcomes.Count() != 0 || len(l.frames) != 0 {
		t.Fatal("the last outcome isn't written")
	}
	kind, body, err := protocol.NewFrameReader(its).Next()
	var o protocol.Outcomes
	if err := errors.Join(err, o.Read(body)); err != nil || kind != protocol.FrameOutcomes || len(o.List) != 2 {
		t.Errorf("%v %+v, %v", kind, o, err)
	}
}

func TestFromEnv(t *testing.T) {
	t.Setenv(protocol.EnvWorker, "7")
	if fd, ok := FromEnv(); fd != 7 || !ok {
		t.Errorf("got %d, %v", fd, ok)
	}
	if _, ok := FromEnv(); ok {
		t.Error("programs that this one starts would take themselves for workers")
	}
	t.Setenv(protocol.EnvWorker, "seven")
	if _, ok := FromEnv(); ok {
		t.Error("no number was taken for one")
	}
}
