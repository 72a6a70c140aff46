package engine

import (
	"context"
	"encoding/hex"
	"log/slog"
	"strings"

	"github.com/musterrun/muster/protocol"
)

// Info is what a running task may know of itself.
type Info struct {
	Func    string
	Key     string
	Task    uint64
	Attempt int
	Node    string
}

// InfoOf finds the task that runs with a context.
func InfoOf(ctx context.Context) (i Info, ok bool) {
	at, err := siteOf(ctx)
	if err != nil || at.run == nil {
		return i, false
	}
	r := at.run
	i = Info{Func: r.t.ops.Spec().Name, Task: r.num, Attempt: int(r.attempt)}
	key := at.s.wireKey(r)
	if h := r.t.host; h != nil {
		key, i.Attempt, i.Node = h.key, int(h.at.N), at.s.hosting.node
	}
	if n := at.s.cfg.Only; n != 0 {
		i.Task = n
	}
	i.Key = hex.EncodeToString(key[:])
	return i, true
}

// LogOf is where a task writes lines of its own: in an agent's worker they go to the node's log of the job, elsewhere to the
// program's default logger.
func LogOf(ctx context.Context) *slog.Logger {
	at, err := siteOf(ctx)
	if err != nil || at.run == nil {
		return slog.Default()
	}
	r := at.run
	if n := at.s.cfg.Only; n != 0 {
		return slog.Default().With("func", r.t.ops.Spec().Name, "task", n)
	}
	if h := r.t.host; h != nil {
		return slog.New(slog.NewTextHandler(lines{at.s, h.at}, nil)).With("func", r.t.ops.Spec().Name, "task", h.at.Task)
	}
	return slog.Default().With("func", r.t.ops.Spec().Name, "task", r.num)
}

// lines sends what is written to the agent, line by line.
type lines struct {
	s  *Session
	by protocol.Attempt
}

// Write takes whole lines: a handler writes each record at once.
func (l lines) Write(p []byte) (int, error) {
	for line := range strings.SplitSeq(strings.TrimSuffix(string(p), "\n"), "\n") {
		l.s.cfg.Upstream.Log(l.by, line)
	}
	return len(p), nil
}
