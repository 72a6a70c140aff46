package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/internal/pages"
)

// The services that this command runs on a machine.
const (
	serviceHead  = "head"
	serviceAgent = "agent"
)

// What services say about themselves in their records.
const (
	aboutCluster = "cluster"
	aboutAddr    = "addr"
	aboutJoin    = "join"
	aboutContext = "context"
	aboutMetrics = "metrics"
	aboutNode    = "node"
)

// flagHeld has an agent's process wait for who has begun it.
const flagHeld = "held"

// newServe is what processes in the background are started by.
func newServe() *cobra.Command {
	cmd := &cobra.Command{Use: "serve", Hidden: true, Args: cobra.NoArgs, RunE: help}
	var h headFlags
	asHead := &cobra.Command{Use: serviceHead, Args: cobra.NoArgs}
	h.add(asHead)
	state := addState(asHead)
	asHead.RunE = func(cmd *cobra.Command, _ []string) error {
		return serve(cmd.Context(), *state, serviceHead, func(ctx context.Context, log io.Writer) (*service, error) {
			return startHead(ctx, daemon.Folder(*state), &h, false, log)
		})
	}
	var a agentFlags
	asAgent := &cobra.Command{Use: serviceAgent, Args: cobra.NoArgs}
	a.add(asAgent)
	stateOfAgent := addState(asAgent)
	held := asAgent.Flags().Bool(flagHeld, false, "wait until standard input says that there is an identity")
	asAgent.RunE = func(cmd *cobra.Command, _ []string) error {
		if *held {
			if err := daemon.Await(); err != nil {
				return err
			}
		}
		return serve(cmd.Context(), *stateOfAgent, serviceAgent, func(ctx context.Context, log io.Writer) (*service, error) {
			s, err := startAgent(ctx, daemon.Folder(*stateOfAgent), &a, false, log)
			a.useFewCores()
			return s, err
		})
	}
	cmd.AddCommand(asHead, asAgent, newKeepHistory())
	return cmd
}

// service is a head or an agent that runs in this process.
type service struct {
	stop  func()
	drain func(context.Context) // what SIGTERM has it do before it stops; nil for nothing
	done  <-chan struct{}       // closed when the cluster wants it to stop; nil if it never does
}

// wait waits until ctx ends, or the cluster wants the service to stop. If SIGTERM has ended ctx, it waits until the service
// is drained, or another signal comes.
func (s *service) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.done:
	}
	if s.drain == nil || !terminated(ctx) {
		return
	}
	another, stop := untilSignal(context.WithoutCancel(ctx))
	defer stop()
	s.drain(another)
}

// serve runs a service until ctx ends, which a signal sees to.
func serve(ctx context.Context, state, name string, start func(context.Context, io.Writer) (*service, error)) error {
	log, err := daemon.Folder(state).OpenLog(name)
	if err != nil {
		daemon.Failed(withRemedy(err))
		return err
	}
	defer log.Close()
	s, err := start(ctx, log)
	if err != nil {
		daemon.Failed(withRemedy(err))
		return err
	}
	daemon.Ready()
	pages.GiveBack()
	s.wait(ctx)
	s.stop()
	return nil
}

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// serviceGC is how much garbage a head or an agent lets gather, in percent of what lives. That is mostly buffers, in which
// there is nothing to look for, so to collect often costs next to nothing, and keeps a head that much passes through a
// third smaller. Before it has started, when next to nothing lives, that would be at each megabyte.
const serviceGC = 25

func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(serviceGC)
	}
}

// useFewCores makes the process of an agent that has started compute on half as many cores as that gives to tasks. It takes
// less than half of what its workers take, even where the tasks do nothing; and each core more is a thread to be woken that
// looks for work in vain, on a core that a worker could have.
func (f *agentFlags) useFewCores() {
	if os.Getenv("GOMAXPROCS") == "" {
		all := runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(min(all, max(1, int(math.Ceil(cmp.Or(f.cpus, float64(all))/2)))))
	}
}

// startHead starts the head in this process, and makes the context by which its user reaches it the current one.
func startHead(ctx context.Context, state daemon.Folder, f *headFlags, foreground bool, log io.Writer) (*service, error) {
	c, err := f.config()
	if err != nil {
		return nil, err
	}
	if err := state.Hold(ctx, serviceHead); err != nil {
		return nil, err
	}
	c.StateDir, c.Logger = string(state), logger(log)
	h, err := head.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	collectOften()
	contexts, err := join.UserContexts()
	if err == nil {
		err = contexts.Save(f.context, h.Admin())
	}
	if err == nil {
		err = contexts.Use(f.context)
	}
	if err == nil {
		err = state.Tell(serviceHead, foreground, map[string]string{
			aboutCluster: h.Cluster(), aboutAddr: h.Addr(), aboutJoin: h.JoinAddr(), aboutContext: f.context,
			aboutMetrics: h.MetricsAddr(),
		})
	}
	if err != nil {
		h.Stop()
		return nil, err
	}
	return &service{stop: h.Stop}, nil
}

// identityFile is where a machine's agent has its identity.
func identityFile(state daemon.Folder) string {
	return filepath.Join(string(state), serviceAgent, "identity.json")
}

// startAgent starts the agent in this process, by the identity in its folder.
func startAgent(ctx context.Context, state daemon.Folder, f *agentFlags, foreground bool, log io.Writer) (*service, error) {
	c, err := f.config()
	if err != nil {
		return nil, err
	}
	if err := state.Hold(ctx, serviceAgent); err != nil {
		return nil, err
	}
	id, err := join.Load(identityFile(state))
	if err != nil {
		return nil, err
	}
	c.Logger = logger(log)
	conn, err := connectAgent(ctx, state, id, c.Logger)
	if err != nil {
		return nil, err
	}
	c.Conn, c.Control, c.Node, c.User = conn, join.Control{Conn: conn, Who: id.Name}, id.Name, id.User
	c.Limits = true
	c.Version, c.StateDir = version(), filepath.Join(string(state), serviceAgent)
	c.HeadBlobs = head.BlobsIn(string(state))
	a, err := agent.Start(ctx, c)
	if err != nil {
		conn.Close()
		return nil, err
	}
	collectOften()
	s := &service{done: a.Done(), stop: func() {
		a.Stop()
		conn.Close()
	}}
	s.drain = func(ctx context.Context) {
		if err := a.Drain(ctx, f.drain); err != nil {
			c.Logger.Warn("the agent ends before its node is drained: what runs there is given back", "why", context.Cause(ctx))
		}
	}
	err = f.remember(state)
	if err == nil {
		err = state.Tell(serviceAgent, foreground, map[string]string{aboutCluster: id.Cluster, aboutNode: id.Name})
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func connectAgent(ctx context.Context, state daemon.Folder, id join.Identity, log *slog.Logger) (*nats.Conn, error) {
	return join.Connect(ctx, id, join.Options{
		Renewed: func(fresh join.Identity) {
			if err := fresh.Save(identityFile(state)); err != nil {
				log.Error("keep the renewed identity", "error", err)
			}
		},
		Event: func(line string) { log.Warn(line) },
		Quiet: true,
	})
}
