package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

// stopping is how long a service may take to end before it is killed, and asking how long it may take to find out
// whether that disturbs anybody.
const (
	stopping = 10 * time.Second
	asking   = 4 * time.Second
)

func newDown() *cobra.Command {
	cmd := &cobra.Command{
		Use: "down", Short: "Stop the head and the agent of this machine", Args: cobra.NoArgs,
		Long: `Stops what muster up or muster join has started, and waits until the processes are gone. Their state stays: muster up
goes on with it. While jobs run it refuses, unless --force is given: the drivers of those jobs wait for the head then, and
go on when it is back. The same if the head can't be asked whether jobs run. That nothing runs is no error. The context that muster up
had made goes too, also that of a head that was killed.`,
		Example: "  muster down\n  muster down --force   though jobs run",
	}
	state := addState(cmd)
	force := cmd.Flags().Bool("force", false, "also while jobs run")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		folder, err := stateFolder(*state)
		if err != nil {
			return err
		}
		return down(cmd, folder, *force)
	}
	return cmd
}

func down(cmd *cobra.Command, state daemon.Folder, force bool) error {
	ctx := cmd.Context()
	if _, err := os.Stat(string(state)); err == nil {
		if release, err := state.Alone(ctx, asking); err == nil { // or else it stops what it finds
			defer release()
		}
	}
	head, headRuns, err := state.Running(serviceHead)
	if err != nil {
		return err
	}
	_, agentRuns, err := state.Running(serviceAgent)
	if err != nil {
		return err
	}
	if !headRuns && !agentRuns {
		fmt.Fprintf(cmd.OutOrStdout(), "nothing runs here (%s)\n", state)
		return forgetLast(state)
	}
	if !force {
		if err := undisturbed(ctx, state, headRuns); err != nil {
			return err
		}
	}
	for _, name := range []string{serviceAgent, serviceHead} { // the agent first: it has something to say to the head
		ran, err := state.Stop(ctx, name, stopping)
		if err != nil {
			return err
		}
		if ran {
			fmt.Fprintln(cmd.OutOrStdout(), "stopped the", name)
		}
	}
	if headRuns {
		return forgetContext(head)
	}
	return forgetLast(state)
}

// undisturbed is nil if nobody needs what is to be stopped.
func undisturbed(ctx context.Context, state daemon.Folder, headRuns bool) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	var err error
	if headRuns {
		err = noJobs(ctx, state)
	} else {
		err = noTasks(ctx, state)
	}
	if err != nil {
		return fmt.Errorf("%w; --force stops it all the same", err)
	}
	return nil
}

func noJobs(ctx context.Context, state daemon.Folder) error {
	r, err := dialHead(ctx, state)
	if err != nil {
		return fmt.Errorf("whether jobs run isn't known: %w", err)
	}
	defer r.Conn.Close()
	var jobs []protocol.JobInfo
	if err := r.Ask(ctx, protocol.OpListJobs, nil, &jobs); err != nil {
		return fmt.Errorf("whether jobs run isn't known: %w", err)
	}
	var live []string
	for _, j := range jobs {
		if isLive(j) {
			live = append(live, jobLabel(j))
		}
	}
	if len(live) > 0 {
		return fmt.Errorf("%s: %s: wait, or muster cancel JOB", areRunning(len(live)), clip(strings.Join(live, ", "), 200))
	}
	return nil
}

func areRunning(n int) string {
	if n == 1 {
		return "1 job is running"
	}
	return fmt.Sprintf("%d jobs are running", n)
}

// noTasks is about an agent alone. It is asked itself, through the head, as its last report may be from before a job began.
func noTasks(ctx context.Context, state daemon.Folder) error {
	r, err := dialAgent(ctx, state)
	if err != nil {
		return fmt.Errorf("whether jobs run isn't known: %w", err)
	}
	defer r.Conn.Close()
	var nodes []protocol.NodeInfo
	if err := r.Ask(ctx, protocol.OpListNodes, protocol.AskNodes{Fresh: r.id.Name}, &nodes); err != nil {
		return fmt.Errorf("whether jobs run isn't known: %w", err)
	}
	for _, n := range nodes {
		if n.Node == r.id.Name && n.Running > 0 {
			return fmt.Errorf("%s, and would run again elsewhere", tasksRun(n.Running))
		}
	}
	return nil
}

func tasksRun(n int) string {
	if n == 1 {
		return "1 task runs on this machine"
	}
	return fmt.Sprintf("%d tasks run on this machine", n)
}

// forgetContext removes the context that the head had made, so that commands and muster run don't look for a head that
// isn't there.
func forgetContext(head daemon.Record) error {
	contexts, err := join.UserContexts()
	if err != nil {
		return err
	}
	name := head.About[aboutContext]
	id, err := contexts.Load(name)
	if isGone(err) || err == nil && id.Cluster != head.About[aboutCluster] {
		return nil
	}
	return errors.Join(err, contexts.Remove(name))
}

// forgetLast does so for a head that was killed.
func forgetLast(state daemon.Folder) error {
	head, ok, err := state.Last(serviceHead)
	if err != nil || !ok {
		return err
	}
	return forgetContext(head)
}
