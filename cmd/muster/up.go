package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// starting bounds how long a service may take until it serves, and seen until the head has heard of a node.
const (
	starting = 30 * time.Second
	seen     = 10 * time.Second
)

// upFlags say what is to be started.
type upFlags struct {
	head       headFlags
	agent      agentFlags
	state      *string
	asJSON     *bool
	foreground bool
	noAgent    bool
}

func newUp() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use: "up", Short: "Start a cluster on this machine: its head, and an agent that runs tasks", Args: cobra.NoArgs,
		Long: `Starts the head of a cluster and an agent in the background, waits until both serve, makes the context "local" for
you, and says how other machines join and how all of it is stopped. What runs already is left as it is; flags
that say otherwise are named then, and the exit code is 1.

Both keep their state, their logs and a copy of this executable in one folder, and go on with it when they are started
again: what the machine gives is what it gave before too, but for the flags that are given. By default the head listens on
this machine only: give --addr for others to join.`,
		Example: `  muster up                                     a cluster of this machine
  muster up --addr 0.0.0.0:4222                 others can join
  muster up --cpus 4 --resource licences=2      the agent gives four CPUs and two licences
  muster up --metrics 127.0.0.1:9464            Prometheus can read what head and nodes count
  muster up --nats tls://nats1:4222,tls://nats2:4222,tls://nats3:4222 --signing-key account.seed --join-addr 0.0.0.0:4223
                                                with NATS servers of your own: see docs/nats.md
  muster up --foreground                        until Ctrl-C, with the log on the terminal
  muster down                                   stop it`,
	}
	f.head.add(cmd)
	f.agent.addShared(cmd)
	f.state, f.asJSON = addState(cmd), addJSON(cmd)
	cmd.Flags().BoolVar(&f.foreground, "foreground", false, "stay, and run both in this process until Ctrl-C")
	cmd.Flags().BoolVar(&f.noAgent, "no-agent", false, "start the head alone: this machine runs no tasks")
	cmd.RunE = f.run
	return cmd
}

// run is what the command does.
func (f *upFlags) run(cmd *cobra.Command, _ []string) error {
	f.agent.agesFlags = f.head.agesFlags
	if _, err := f.head.config(); err != nil {
		return err
	}
	if _, err := f.agent.config(); err != nil {
		return err
	}
	if f.head.nats.singleTenant {
		fmt.Fprintln(cmd.ErrOrStderr(), "muster: nobody is protected from the others of this cluster:", head.Unprotected)
	}
	state, err := makeStateFolder(*f.state)
	if err != nil {
		return err
	}
	if err := f.agent.recall(cmd, state); err != nil {
		return err
	}
	if f.foreground {
		return f.runForeground(cmd, state)
	}
	return f.runBackground(cmd, state)
}

func (f *upFlags) runBackground(cmd *cobra.Command, state daemon.Folder) error {
	ctx := cmd.Context()
	release, err := state.Alone(ctx, starting)
	if err != nil {
		return err
	}
	defer release()
	_, running, err := state.Running(serviceHead)
	if err != nil {
		return err
	}
	if !running {
		if err := headMayStart(state); err != nil {
			return err
		}
	}
	agent, err := f.beginAgent(state)
	if err != nil {
		return err
	}
	defer agent.GiveUp() // unless it serves by then
	if !running {
		args := append([]string{"serve", serviceHead, "--state=" + string(state)}, f.head.args()...)
		if err := state.Start(ctx, serviceHead, starting, args...); err != nil {
			return err
		}
	}
	started, err := f.upAgent(ctx, state, agent)
	if err != nil {
		if !running { // it was started for nothing
			_, stopErr := state.Stop(context.WithoutCancel(ctx), serviceHead, stopping)
			err = errors.Join(err, stopErr)
		}
		return err
	}
	if err := f.report(cmd, state, running && !started); err != nil {
		return err
	}
	other, unseen, err := f.other(state, tooLate(cmd, running, started || f.noAgent))
	if err != nil {
		return err
	}
	if len(unseen) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "muster: --%s: what runs already is as it was started: muster down, and up again, if that was otherwise\n",
			strings.Join(unseen, ", --"))
	}
	if len(other) > 0 {
		return fmt.Errorf("--%s: what runs already was started otherwise, and stays so: muster down, and up again", strings.Join(other, ", --"))
	}
	return nil
}

// headMayStart refuses to start a second head, or one beside an agent of another cluster, which has the folder of the
// agent to come. The agent of this folder's own cluster, whose head was killed, waits for just that head.
func headMayStart(state daemon.Folder) error {
	r, running, err := state.Running(serviceHead)
	if err == nil && running {
		err = fmt.Errorf("the head runs already (process %d): muster down stops it", r.PID)
	}
	if err != nil {
		return err
	}
	r, running, err = state.Running(serviceAgent)
	if err != nil || !running {
		return err
	}
	if admin, err := join.Load(adminFile(state)); err == nil && admin.Cluster == r.About[aboutCluster] {
		return nil
	}
	return fmt.Errorf("an agent of cluster %s runs here (process %d): stop it with muster leave, or give another folder with --state",
		r.About[aboutCluster], r.PID)
}

// adminFile is where the head of a folder keeps the identity of its admin.
func adminFile(state daemon.Folder) string {
	return filepath.Join(string(state), serviceHead, "keys", "admin.json")
}

// beginAgent begins the agent's process if the agent is to run and doesn't, so that it comes up while the head does. Else it
// is nil.
func (f *upFlags) beginAgent(state daemon.Folder) (*daemon.Begun, error) {
	if f.noAgent {
		return nil, nil //nolint:nilnil // there is none
	}
	_, running, err := state.Running(serviceAgent)
	if err != nil || running {
		return nil, err
	}
	return beginAgent(state, &f.agent)
}

// upAgent starts the agent that was begun, if one was.
func (f *upFlags) upAgent(ctx context.Context, state daemon.Folder, begun *daemon.Begun) (started bool, err error) {
	if begun == nil {
		return false, nil
	}
	r, err := dialHead(ctx, state)
	if err != nil {
		return false, err
	}
	defer r.Conn.Close()
	if err := enroll(ctx, r, state); err != nil {
		return false, err
	}
	if err := begun.Go(ctx, starting); err != nil {
		return false, err
	}
	return true, awaitNode(ctx, r, state)
}

// dialHead connects to the head that runs in a folder, as its admin. The head keeps that identity itself, so it doesn't
// matter what has become of the context.
func dialHead(ctx context.Context, state daemon.Folder) (*reach, error) {
	r, running, err := state.Running(serviceHead)
	if err != nil {
		return nil, err
	}
	if !running {
		return nil, fmt.Errorf("no head runs in %s: muster up starts one", state)
	}
	id, err := join.Load(adminFile(state))
	if err != nil {
		return nil, err
	}
	conn, err := join.Connect(ctx, id, join.Options{Label: "muster, the command"})
	if err != nil {
		return nil, err
	}
	return &reach{join.Control{Conn: conn, Who: id.Name}, r.About[aboutContext], id}, nil
}

// restoreContext makes the context of a head that runs the current one, as the head did when it was started.
func restoreContext(r *reach) error {
	contexts, err := join.UserContexts()
	if err != nil {
		return err
	}
	have, err := contexts.Load(r.name)
	if err != nil || have.Cluster != r.id.Cluster {
		if err := contexts.Save(r.name, r.id); err != nil {
			return err
		}
	}
	return contexts.Use(r.name)
}
