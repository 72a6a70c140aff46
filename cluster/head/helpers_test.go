package head

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// watchdog is how long a test waits for what must come.
const watchdog = 20 * time.Second

// lines is a log that a test reads.
type lines struct {
	mu   sync.Mutex
	all  []string
	more chan struct{} // closed when there is another line
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return len(p), nil
}

// with is the lines that have all of the parts.
func (l *lines) with(parts ...string) ([]string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return slices.DeleteFunc(slices.Clone(l.all), func(s string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
	}), l.more
}

// await waits for a line with all of the parts, and forgets what was logged until then.
func (l *lines) await(t *testing.T, parts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	for {
		found, more := l.with(parts...)
		if len(found) > 0 {
			l.mu.Lock()
			l.all = nil
			l.mu.Unlock()
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			all, _ := l.with()
			t.Fatalf("no line of the log has %q: %s", parts, all)
		}
	}
}

var shortAges = protocol.Ages{Renew: 100 * time.Millisecond, Dead: 400 * time.Millisecond, Ask: 200 * time.Millisecond}

// cluster is a head and what a test has joined to it.
type cluster struct {
	*Head

	t   *testing.T
	log *lines
}

func start(t *testing.T, c Config) *cluster {
	t.Helper()
	return startLogging(t, c, &lines{})
}

func startLogging(t *testing.T, c Config, log *lines) *cluster {
	t.Helper()
	if c.StateDir == "" {
		c.StateDir = t.TempDir()
	}
	c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	h, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Stop)
	return &cluster{Head: h, t: t, log: log}
}

// member is an identity that is connected.
type member struct {
	join.Control

	t  *testing.T
	id join.Identity
}

// connect connects as somebody.
func (c *cluster) connect(id join.Identity) *member {
	c.t.Helper()
	conn, err := join.Connect(c.t.Context(), id, join.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return &member{Control: join.Control{Conn: conn, Who: id.Name}, t: c.t, id: id}
}

// join joins by a token and connects.
func (c *cluster) join(role, user string) *member {
	c.t.Helper()
	token, _, err := c.NewToken(protocol.NewToken{Role: role, User: user})
	if err != nil {
		c.t.Fatal(err)
	}
	id, err := join.Join(c.t.Context(), token)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.connect(id)
}

// ask asks for something that must be granted.
func (m *member) ask(op string, in, out any) {
	m.t.Helper()
	if err := m.Ask(m.t.Context(), op, in, out); err != nil {
		m.t.Fatalf("%s: %v", op, err)
	}
}

// refused asks for something that must be refused with that code, and gives the text.
func (m *member) refused(code, op string, in any) string {
	m.t.Helper()
	err := m.Ask(m.t.Context(), op, in, nil)
	var r *protocol.Refusal
	if !errors.As(err, &r) || r.Code != code {
		m.t.Fatalf("%s %+v: %v, want a refusal with code %s", op, in, err, code)
	}
	if strings.Contains(r.Text, "\n") || len(r.Text) < 20 {
		m.t.Errorf("%s: the refusal %q isn't a line that says what and what next", op, r.Text)
	}
	return r.Text
}

// opening is a request to open a job; its seed is that of its key.
func opening(t *testing.T, name string) (in protocol.OpenJob, seed string) {
	t.Helper()
	seed, public, err := join.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return protocol.OpenJob{
		Major: protocol.Major, Minor: protocol.Minor, Name: name, Program: "test", Functions: []string{"f"},
		Host: "here", PID: 42, Driver: newID("d"), PublicKey: public,
	}, seed
}

// open opens a job and connects as it.
func (c *cluster) open(m *member, name string) (protocol.JobOpened, *member) {
	c.t.Helper()
	in, seed := opening(c.t, name)
	var out protocol.JobOpened
	m.ask(protocol.OpOpenJob, in, &out)
	return out, c.connect(m.id.As(out.Job, join.RoleJob, out.JWT, seed))
}

// hear subscribes before anything else happens.
func (m *member) hear(subject string) chan *nats.Msg {
	m.t.Helper()
	out := make(chan *nats.Msg, 1000)
	if _, err := m.Conn.ChanSubscribe(subject, out); err != nil {
		m.t.Fatal(err)
	}
	if err := m.Conn.Flush(); err != nil {
		m.t.Fatal(err)
	}
	return out
}

// await reads messages until one is it.
func await[T any](t *testing.T, in <-chan T, is func(T) bool) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	for {
		select {
		case v := <-in:
			if is(v) {
				return v
			}
		case <-ctx.Done():
			t.Fatal("what must come doesn't come")
		}
	}
}

// oneLine expects an error of one line with these words.
func oneLine(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want a line with %q", err, words)
	}
}

// awaitTrimmed waits until the journal of a job is gone up to there.
func (c *cluster) awaitTrimmed(job string, read uint64) {
	c.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	end := time.After(watchdog)
	for {
		if j, ok := c.jobs.get(job); ok && j.purged >= read {
			return
		}
		select {
		case <-look.C:
		case <-end:
			c.t.Fatalf("the journal of job %s isn't trimmed", job)
		}
	}
}
