package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// joinFlags say as what one joins.
type joinFlags struct {
	agent      agentFlags
	token      string
	context    string
	foreground bool
	state      *string
}

func newJoin() *cobra.Command {
	var f joinFlags
	cmd := &cobra.Command{
		Use: "join [ADDRESS]", Short: "Join a cluster: with this machine, or as a user", Args: cobra.MaximumNArgs(1),
		Long: `With a token for machines, makes this machine a node of the cluster and starts its agent in the background. Without a
token, starts the agent of a machine that has joined before, to give what it gave, but for the flags that are given
(--label= and --resource= mean none). With a token for users, makes a context.

ADDRESS is where the head lets one join, which the token knows; give it where that differs for you, such as behind a
forwarded port. The token may also be in the variable MUSTER_TOKEN, or on standard input with --token -, where other
users of the machine can't see it.`,
		Example: `  muster join 10.0.0.5:40001 --token muster-AY...    this machine runs tasks from now on
  muster join --token muster-AY... --cpus 4 --label zone=b
  muster join                                        again, after the machine was off
  muster join --token muster-AY... --context lab     as a user
  muster leave                                       the machine is no node any more`,
	}
	f.agent.add(cmd)
	f.state = addState(cmd)
	cmd.Flags().StringVar(&f.token, "token", "", "a join token, as muster up and muster token new print it; - reads it from standard input")
	cmd.Flags().StringVar(&f.context, "context", "", "with a user's token: the context's name (default: the cluster's id)")
	cmd.Flags().BoolVar(&f.foreground, "foreground", false, "stay, and run the agent in this process until Ctrl-C")
	cmd.RunE = f.join
	return cmd
}

// join is what the command does.
func (f *joinFlags) join(cmd *cobra.Command, args []string) error {
	if _, err := f.agent.config(); err != nil {
		return err
	}
	token, given, err := f.readToken(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	state, err := makeStateFolder(*f.state)
	if err != nil {
		return err
	}
	if !f.foreground {
		release, err := state.Alone(cmd.Context(), starting)
		if err != nil {
			return err
		}
		defer release()
	}
	if err := f.mayJoin(state, given); err != nil {
		return err
	}
	if err := f.agent.recall(cmd, state); err != nil {
		return err
	}
	if given {
		id, err := join.Join(cmd.Context(), token)
		if err != nil {
			return err
		}
		if id.Role != join.RoleAgent {
			return f.saveUser(cmd, id)
		}
		if err := id.Save(identityFile(state)); err != nil {
			return err
		}
	}
	return f.run(cmd, state)
}

// readToken finds the token. An address that is given stands for those in it.
func (f *joinFlags) readToken(stdin io.Reader, args []string) (t join.Token, given bool, err error) {
	text := f.token
	if text == "" {
		text = os.Getenv("MUSTER_TOKEN")
	}
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(stdin, 1<<16))
		if err != nil {
			return t, false, fmt.Errorf("read the token: %w", err)
		}
		text = string(data)
	}
	if strings.TrimSpace(text) == "" {
		if len(args) > 0 {
			return t, false, usageError{errors.New("join needs a token: give it by --token; muster token new on the head's machine makes one")}
		}
		return t, false, nil
	}
	if t, err = join.ParseToken(text); err != nil {
		return t, false, err
	}
	if len(args) > 0 {
		if _, _, err := net.SplitHostPort(args[0]); err != nil {
			return t, false, usageError{fmt.Errorf("%q is no address: write HOST:PORT", args[0])}
		}
		t.Addresses = args
	}
	return t, true, nil
}

// mayJoin refuses what would use up a token for nothing.
func (f *joinFlags) mayJoin(state daemon.Folder, given bool) error {
	if given && f.context != "" {
		return nil // a user's
	}
	r, running, err := state.Running(serviceAgent)
	if err != nil {
		return err
	}
	if running {
		return fmt.Errorf("this machine's agent runs already (process %d), for cluster %s: muster down stops it, "+
			"muster leave also forgets the cluster; "+
			"for a user's token, give --context NAME", r.PID, r.About[aboutCluster])
	}
	id, err := join.Load(identityFile(state))
	switch {
	case !given && isGone(err):
		return usageError{errors.New("this machine hasn't joined a cluster: give the token that muster up prints, by --token")}
	case given && err == nil:
		return fmt.Errorf("this machine is a node of cluster %s: muster join without a token starts its agent, "+
			"and muster leave lets it join another", id.Cluster)
	case isGone(err):
		return nil
	}
	return err
}

func (f *joinFlags) saveUser(cmd *cobra.Command, id join.Identity) error {
	name := f.context
	if name == "" {
		name = id.Cluster
	}
	contexts, err := join.UserContexts()
	if err != nil {
		return err
	}
	if err := contexts.Save(name, id); err != nil {
		return err
	}
	if err := contexts.Use(name); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "you are %s of cluster %s: the context %s is the current one\n", id.Name, id.Cluster, name)
	return nil
}

// run starts the agent by the identity that the machine has.
func (f *joinFlags) run(cmd *cobra.Command, state daemon.Folder) error {
	ctx := cmd.Context()
	if f.foreground {
		a, err := startAgent(ctx, state, &f.agent, true, os.Stderr)
		if err != nil {
			return err
		}
		defer a.stop()
		f.agent.useFewCores()
		if err := awaitOwn(ctx, state); err != nil {
			return err
		}
		f.welcome(cmd, state)
		a.wait(ctx)
		fmt.Fprintln(cmd.ErrOrStderr(), "muster: stopping")
		return nil
	}
	args := append([]string{"serve", serviceAgent, "--state=" + string(state)}, f.agent.args()...)
	if err := state.Start(ctx, serviceAgent, starting, args...); err != nil {
		return err
	}
	if err := awaitOwn(ctx, state); err != nil {
		return err
	}
	f.welcome(cmd, state)
	return nil
}

func (f *joinFlags) welcome(cmd *cobra.Command, state daemon.Folder) {
	r, _, err := state.Running(serviceAgent)
	if err != nil {
		return // it has just said that it serves; what it is called is only for people
	}
	down := "muster down"
	if *f.state != "" {
		down += " --state " + *f.state
	}
	fmt.Fprintf(cmd.OutOrStdout(), "this machine is node %s of cluster %s (process %d)\nstop it by:\n  %s\n",
		r.About[aboutNode], r.About[aboutCluster], r.PID, down)
}
