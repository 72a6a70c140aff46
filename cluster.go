package muster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/engine/remote"
	"github.com/musterrun/muster/protocol"
)

// Variables by which a program learns, from `muster run` too, what its job is, where it runs, and what to ship.
const (
	envJob      = protocol.EnvJob
	envAddr     = protocol.EnvAddr
	envBinaries = protocol.EnvBinaries
	envFiles    = protocol.EnvFiles
	envCommand  = "MUSTER_COMMAND" // what `muster run` was called with: how to run it again
	envTakeOver = protocol.EnvTakeOver
)

// leaveFor is how long the end of a job may take that the cluster has to hear of.
const leaveFor = 10 * time.Second

// openEngine makes the session, and says how to leave the cluster that takes its tasks. lost ends the session's context
// if the job becomes another driver's. Tests put another in its place.
var openEngine = func(ctx context.Context, c Config, ec engine.Config, lost context.CancelCauseFunc) (
	*engine.Session, func(failed error) error, error,
) {
	if c.Addr == "" {
		return engine.Open(ec, engine.TrialOf(ctx)), func(error) error { return nil }, nil
	}
	return c.onCluster(ctx, ec, lost)
}

// onCluster opens the session's job on the cluster at c.Addr.
func (c Config) onCluster(ctx context.Context, ec engine.Config, lost context.CancelCauseFunc) (
	*engine.Session, func(failed error) error, error,
) {
	if !underMain() {
		return nil, nil, errors.New("muster: Open with an address needs Main: it is the door by which this program becomes a worker: " +
			"call muster.Main in main, and Open in the function that it runs")
	}
	id, err := identityAt(c.Addr)
	if err != nil {
		return nil, nil, fmt.Errorf("muster: %w", err)
	}
	l := &link{lost: lost, early: func(e event.Event) {
		fmt.Fprintln(os.Stderr, "muster:", e.Text) // it may take long, and Main shows nothing yet
		if c.OnEvent != nil {
			c.OnEvent(e)
		}
	}}
	rc, err := c.remote(l)
	if err != nil {
		return nil, nil, fmt.Errorf("muster: cluster %s: %w", c.Addr, err)
	}
	if l.user, err = remote.Dial(ctx, id, l.note, rc.Executables()...); err != nil {
		return nil, nil, fmt.Errorf("muster: cluster %s: %w", c.Addr, err)
	}
	rc.Cluster, l.built = l.user, builtFor(rc.Binaries)
	if err = l.built.check(ctx, l.user); err == nil {
		l.carrier, err = remote.Open(ctx, rc)
	}
	if err != nil {
		l.user.Close()
		return nil, nil, fmt.Errorf("muster: cluster %s: %w", c.Addr, err)
	}
	ec.Carrier = l.carrier
	ec.HoldAfter = 2 * l.carrier.Ages().Renew
	s := engine.Open(ec, engine.TrialOf(ctx))
	l.s.Store(s)
	if err := l.carrier.Start(ctx, s); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("muster: cluster %s: %w", c.Addr, err), s.Close(), l.leave(err))
	}
	codec.OnLost(func(text string) { l.note(lostIdentity(text)) })
	l.watch(l.carrier.Ages().Renew)
	return s, l.leave, nil
}

// link is a session's connection to its cluster.
type link struct {
	user    *remote.User
	carrier *remote.Carrier
	s       atomic.Pointer[engine.Session]
	early   func(event.Event)
	stop    context.CancelFunc
	watched sync.WaitGroup
	built   platforms
	lacks   []string                // platforms of nodes that it isn't built for and that was told of
	lost    context.CancelCauseFunc // ends the session's context
	leaving atomic.Bool             // it has ended by itself, or is lost: what is said about the connection is no news
}

// note tells the session's listeners what happens to the connection; before there is a session, l.early.
func (l *link) note(text string) {
	e := event.Event{Kind: event.Hint, Item: -1, Text: text}
	switch s := l.s.Load(); {
	case s == nil && l.early != nil:
		l.early(e)
	case s == nil:
	case !l.leaving.Load():
		s.Note(e)
	}
}

// replay hands on what is recorded from before this driver; there is none before its session is there.
func (l *link) replay(o *protocol.Outcomes) {
	if s := l.s.Load(); s != nil {
		s.Replay(o)
	}
}

// decided does the same with decisions.
func (l *link) decided(d *protocol.Decisions) {
	if s := l.s.Load(); s != nil {
		s.Decided(d)
	}
}

// keepTo hands on how much nodes may be given.
func (l *link) keepTo(q protocol.Quota) {
	if s := l.s.Load(); s != nil {
		s.SetQuota(q)
	}
}

// seldom is how many times longer a session that has no task is left without a survey: the list of many nodes is long.
const seldom = 12

// watch has the session compare what its tasks need with what the nodes have, now and then.
func (l *link) watch(every time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.watched.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			var nodes []protocol.NodeInfo
			if s := l.s.Load(); n%seldom == 0 || s.HasTasks() {
				if err := l.user.Ask(ctx, protocol.OpListNodes, protocol.AskNodes{Major: protocol.Major, Minor: protocol.Minor}, &nodes); err == nil {
					s.Survey(l.usable(nodes))
				}
			}
			select {
			case <-time.After(max(every, time.Second)):
			case <-ctx.Done():
			}
		}
	})
}

// superseded ends all that was started: nobody would tell how it ends.
func (l *link) superseded(err error) {
	l.note(err.Error())
	if l.leaving.Swap(true) {
		return
	}
	l.s.Load().Strand(err)
	l.lost(fmt.Errorf("%w: %w", err, context.Canceled))
}

// lostIdentity is what there is to say of an error that errors.Is doesn't know again.
func lostIdentity(text string) string {
	return fmt.Sprintf("errors.Is asks an error from another process for %q in vain: only registered errors are known again there: "+
		"call muster.RegisterError for it", text)
}

func (l *link) leave(failed error) error {
	l.leaving.Store(true)
	codec.OnLost(nil)
	if l.stop != nil {
		l.stop()
		l.watched.Wait()
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
	defer cancel()
	err := l.carrier.Close(ctx, failed)
	l.user.Close()
	if err != nil {
		return fmt.Errorf("muster: leave the cluster: %w", err)
	}
	return nil
}

// remote says which job to open, on the cluster that is to be set then.
func (c Config) remote(l *link) (remote.Config, error) {
	rc := remote.Config{
		Name: c.Job, Program: filepath.Base(os.Args[0]), Functions: engine.Functions(), Args: os.Args[1:], Env: c.environment(),
		Note: l.note, Replay: l.replay, Decided: l.decided, Quota: l.keepTo, Superseded: l.superseded,
		TakeOver: os.Getenv(envTakeOver) != "",
	}
	for _, entry := range listed(envBinaries) {
		platform, path, ok := strings.Cut(entry, "=")
		system, arch, both := strings.Cut(platform, "/")
		if !ok || !both {
			return rc, fmt.Errorf("%s has %q: want OS/ARCH=PATH", envBinaries, entry)
		}
		b := remote.Binary{OS: system, Arch: arch, Path: path}
		if hash, size, ok := protocol.ReadBinary(path); ok {
			b.Path, b.Hash, b.Size = "", hash, size
		}
		rc.Binaries = append(rc.Binaries, b)
	}
	for _, entry := range listed(envFiles) {
		name, path, ok := strings.Cut(entry, "=")
		if !ok {
			return rc, fmt.Errorf("%s has %q: want NAME=PATH", envFiles, entry)
		}
		rc.Files = append(rc.Files, remote.File{Path: name, From: path})
	}
	return rc, nil
}

func listed(env string) []string { return filepath.SplitList(os.Getenv(env)) }
