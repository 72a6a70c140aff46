package remote

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// realHead starts a head as users have it: with identities, and permissions that let through what the protocol needs.
func realHead(t testing.TB, config head.Config) *head.Head {
	t.Helper()
	h, err := head.Start(within(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Stop)
	return h
}

func openOn(t testing.TB, h *head.Head, config Config) (*Carrier, *session) {
	t.Helper()
	return openAs(t, h.Admin(), config)
}

func openAs(t testing.TB, id join.Identity, config Config) (*Carrier, *session) {
	t.Helper()
	user, err := Dial(within(t), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(user.Close)
	config.Cluster = user
	config.Binaries = []Binary{{OS: "linux", Arch: "amd64", Path: "doc.go"}}
	c, err := Open(within(t), config)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t)
	s.carrier = c
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = c.Close(ctx, nil)
	})
	if err := c.Start(within(t), s); err != nil {
		t.Fatal(err)
	}
	return c, s
}

// joinAgent is an agent with the identity of a node, which it gets by a token.
func joinAgent(t testing.TB, h *head.Head, c *Carrier) *agent {
	t.Helper()
	token, _, err := h.NewToken(protocol.NewToken{Role: join.RoleAgent})
	if err != nil {
		t.Fatal(err)
	}
	id, err := join.Join(within(t), token)
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{
		t: t, node: id.Name, job: c.Job(), epoch: c.Epoch(),
		heard: make(chan protocol.Down, 10_000), missed: newSignal(), seen: map[protocol.Attempt]int{},
	}
	if a.conn, err = join.Connect(within(t), id, join.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.conn.Close)
	if a.js, err = jetstream.New(a.conn); err != nil {
		t.Fatal(err)
	}
	if _, err := a.conn.Subscribe(protocol.AllDown(a.node), a.onDown); err != nil {
		t.Fatal(err)
	}
	if err := a.conn.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestRealHead: all that a job does passes a real head's permissions, also after a restart of the head, and nothing is
// lost or run twice.
func TestRealHead(t *testing.T) {
	config := head.Config{StateDir: t.TempDir()}
	h := realHead(t, config)
	var denied sync.Map
	c, s := openOn(t, h, Config{})
	c.conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied.Store(err.Error(), true) })
	a := joinAgent(t, h, c)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { a.work(ctx) })
	const each = 2000
	s.add(1, each)
	s.until("the first are done", func() bool { return len(s.done) == each })
	s.add(1+each, each)
	s.until("some are done", func() bool { return len(s.done) > each+each/10 })
	h.Stop()
	realHead(t, config)
	s.until("all are done", func() bool { return len(s.done) == 2*each })
	cancel()
	wg.Wait()
	for attempt, n := range a.seen {
		if n != 1 {
			t.Errorf("%v ran %d times", attempt, n)
		}
	}
	value := []byte(strings.Repeat("x", 3<<20))
	id, size, err := c.PutValue(within(t), value)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.GetValue(within(t), id, size); err != nil || string(got) != string(value) {
		t.Error("another value came", err)
	}
	if err := c.Close(within(t), nil); err != nil {
		t.Error(err)
	}
	denied.Range(func(text, _ any) bool {
		if strings.Contains(text.(string), "ermissions") {
			t.Error(text)
		}
		return true
	})
}

// TestTakeOver: the head drops the older driver's key, which learns all the same that it has lost its job.
func TestTakeOver(t *testing.T) {
	h := realHead(t, head.Config{StateDir: t.TempDir(), Ages: protocol.Ages{
		Renew: 50 * time.Millisecond, Dead: time.Minute, Ask: time.Second,
	}})
	lost := make(chan error, 10)
	first, _ := openOn(t, h, Config{Name: "j", Superseded: func(err error) { lost <- err }})
	user, err := Dial(within(t), h.Admin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	var refused *protocol.Refusal
	_, err = Open(within(t), Config{Cluster: user, Name: "j", Binaries: []Binary{{OS: "linux", Arch: "amd64", Path: "doc.go"}}})
	if !errors.As(err, &refused) || refused.Code != protocol.CodeHeld {
		t.Errorf("a second driver: %v", err)
	}
	second, s := openOn(t, h, Config{Name: "j", TakeOver: true})
	if err := <-lost; !errors.As(err, &refused) || refused.Code != protocol.CodeSuperseded {
		t.Errorf("told: %v", err)
	}
	if err := first.Close(within(t), nil); err != nil {
		t.Error(err)
	}
	a := joinAgent(t, h, second)
	s.add(1, 1)
	a.outcomes(a.take(a.offer(1)).Tasks)
	s.until("the outcome comes", func() bool { return s.done[1] == 1 })
}

// TestRevoked: a driver whose user was revoked ends. It can't be told why if its connection ends before that is said, as
// neither it nor its user is let in any more.
func TestRevoked(t *testing.T) {
	h := realHead(t, head.Config{StateDir: t.TempDir(), Ages: quick})
	token, _, err := h.NewToken(protocol.NewToken{Role: join.RoleUser, User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	ann, err := join.Join(within(t), token)
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan error, 10)
	c, _ := openAs(t, ann, Config{Superseded: func(err error) { lost <- err }})
	if err := dialed(t, h).Ask(within(t), protocol.OpDropUser, protocol.IdentityName{Name: "ann"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-lost; !errors.Is(err, join.ErrRefused) && codeOf(err) == "" && !strings.Contains(err.Error(), "was revoked by admin") {
		t.Errorf("told: %v", err)
	}
	if err := c.Close(within(t), nil); err != nil {
		t.Error(err)
	}
}

// TestHolderIsGone: a head that was started anew takes the job's driver for alive for some time. One that is started on the
// same machine sees that there is no such process any more, and gets the job.
func TestHolderIsGone(t *testing.T) {
	if place() == "" {
		t.Skip("processes of one machine can't be told from those of another here")
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	config := head.Config{StateDir: t.TempDir(), Ages: protocol.Ages{Renew: 50 * time.Millisecond, Dead: time.Minute, Ask: time.Second}}
	h := realHead(t, config)
	holders := map[string]struct {
		place string
		pid   int
		code  string
	}{
		"gone":      {place(), gone.Process.Pid, ""},
		"alive":     {place(), os.Getppid(), protocol.CodeHeld},
		"elsewhere": {"another machine", gone.Process.Pid, protocol.CodeHeld},
	}
	openedAs := func(user *User, name string) Config {
		return Config{Cluster: user, Name: name, Binaries: []Binary{{OS: "linux", Arch: "amd64", Path: "doc.go"}}}
	}
	user := dialed(t, h)
	for name, holder := range holders {
		_, public, err := join.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		c := openedAs(user, name)
		ask, err := c.request(within(t), public)
		if err != nil {
			t.Fatal(err)
		}
		ask.Place, ask.PID = holder.place, holder.pid
		if err := user.Ask(within(t), protocol.OpOpenJob, ask, &protocol.JobOpened{}); err != nil {
			t.Fatal(err)
		}
	}
	h.Stop()
	user = dialed(t, realHead(t, config))
	for name, holder := range holders {
		c, err := Open(within(t), openedAs(user, name))
		if code := codeOf(err); code != holder.code {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = c.Close(within(t), nil)
		}
	}
}

func dialed(t *testing.T, h *head.Head) *User {
	t.Helper()
	user, err := Dial(within(t), h.Admin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(user.Close)
	return user
}

func codeOf(err error) string {
	var refused *protocol.Refusal
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// TestTakenOverWhileCutOff: a driver that wasn't connected when its job was taken over can't connect as the job any more,
// and asks as its user.
func TestTakenOverWhileCutOff(t *testing.T) {
	h := startHead(t, quick)
	lost := make(chan error, 10)
	c, _ := openJob(t, h, Config{Name: "j", Superseded: func(err error) { lost <- err }})
	h.gate.shut.Store(true)
	if err := c.conn.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.jobs["j"].epoch++
	h.mu.Unlock()
	var refused *protocol.Refusal
	if err := <-lost; !errors.As(err, &refused) || refused.Code != protocol.CodeSuperseded {
		t.Errorf("told: %v", err)
	}
}

// slowly is a session that takes no outcomes until it is told to.
type slowly struct {
	*session
	begun chan struct{}
	goOn  chan struct{}
}

func (s *slowly) Outcomes(o *protocol.Outcomes) {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-s.goOn
	s.session.Outcomes(o)
}

// TestSlowDriver: the head's server keeps no more on its way than a driver takes, and nothing is lost, also over a restart
// of the head while it waits.
func TestSlowDriver(t *testing.T) {
	config := head.Config{StateDir: t.TempDir()}
	h := realHead(t, config)
	user, err := Dial(within(t), h.Admin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(user.Close)
	var denied sync.Map
	c, err := Open(within(t), Config{Cluster: user, Binaries: []Binary{{OS: "linux", Arch: "amd64", Path: "doc.go"}}})
	if err != nil {
		t.Fatal(err)
	}
	c.conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied.Store(err.Error(), true) })
	s := &slowly{newSession(t), make(chan struct{}, 1), make(chan struct{})}
	s.carrier = c
	if err := c.Start(within(t), s); err != nil {
		t.Fatal(err)
	}
	a := joinAgent(t, h, c)
	const n, size = 300, 200 << 10 // more than 32 MiB
	publish := func(from, to int) {
		for id := from; id < to; id++ {
			task := taskOf(uint64(id+1), 1)
			task.Arg = make([]byte, size)
			a.outcomes([]protocol.Task{task})
		}
	}
	publish(0, n-1)
	<-s.begun
	h.Stop()
	realHead(t, config)
	publish(n-1, n)
	close(s.goOn)
	s.until("all came", func() bool { return len(s.done) == n })
	s.mu.Lock()
	for id, times := range s.done {
		if times != 1 {
			t.Errorf("outcome %d came %d times", id, times)
		}
	}
	s.mu.Unlock()
	if err := c.Close(within(t), nil); err != nil {
		t.Error(err)
	}
	denied.Range(func(text, _ any) bool {
		if strings.Contains(text.(string), "ermissions") || strings.Contains(text.(string), "slow consumer") {
			t.Error(text)
		}
		return true
	})
}
