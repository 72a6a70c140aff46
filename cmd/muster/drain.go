package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

// drainLook is how often a node that is drained is asked how far it is.
const drainLook = 500 * time.Millisecond

func newDrain() *cobra.Command {
	cmd := &cobra.Command{
		Use: "drain NODE", Short: "Have a node take no more tasks, and end those that it has", Args: cobra.ExactArgs(1),
		Long: `Empties a node, by its id or name, before it is upgraded or switched off. It takes no more tasks, and gives back at once
those that haven't begun. What runs may end until the deadline; what runs then is given back and runs again elsewhere. It stays
drained, also when its agent is started again, until muster undrain. Admins may do this, and whose node it is.

An agent that gets SIGTERM does the same before it ends, within its --drain, and takes tasks when it is started again.`,
		Example: `  muster drain rack3                  it may take ten minutes; muster nodes says how far it is
  muster drain rack3 --wait           returns when nothing runs there
  muster drain rack3 --deadline 0s    give all back now
  muster undrain rack3                it takes tasks again`,
	}
	name := addContext(cmd)
	deadline := cmd.Flags().Duration("deadline", 10*time.Minute, "after this, what still runs there is given back")
	wait := cmd.Flags().BoolP("wait", "w", false, "return when nothing runs there any more")
	cmd.ValidArgsFunction = completeFrom(name, nodeNames)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		if *deadline < 0 {
			return usageError{fmt.Errorf("--deadline %v: it must be 0 or more", *deadline)}
		}
		n, err := askDrain(cmd.Context(), r, args[0], protocol.OpDrainNode, *deadline)
		if err != nil {
			return err
		}
		if *wait {
			if n, err = awaitDrained(cmd.Context(), r, n); err != nil {
				return err
			}
		}
		fmt.Fprintln(cmd.OutOrStdout(), drainLine(n, *deadline))
		return nil
	})
	return cmd
}

func newUndrain() *cobra.Command {
	cmd := &cobra.Command{
		Use: "undrain NODE", Short: "Have a node that was drained take tasks again", Args: cobra.ExactArgs(1),
		Example: "  muster undrain rack3",
	}
	name := addContext(cmd)
	cmd.ValidArgsFunction = completeFrom(name, nodeNames)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		n, err := askDrain(cmd.Context(), r, args[0], protocol.OpUndrain, 0)
		if err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "node %s (%s) takes tasks again\n", n.Name, n.Node)
		}
		return err
	})
	return cmd
}

// askDrain finds the node and asks for the operation. Its record is as it is afterwards.
func askDrain(ctx context.Context, r *reach, name, op string, within time.Duration) (n protocol.NodeInfo, err error) {
	nodes, err := listNodes(ctx, r)
	if err != nil {
		return n, err
	}
	found, err := findNode(nodes, name)
	if err != nil {
		return n, err
	}
	return n, r.Ask(ctx, op, protocol.DrainNode{Node: found.Node, Within: within}, &n)
}

func drainLine(n protocol.NodeInfo, deadline time.Duration) string {
	switch {
	case n.Stopped:
		return fmt.Sprintf("node %s (%s) was stopped, and has given back its tasks", n.Name, n.Node)
	case n.Drain == protocol.Drained:
		return fmt.Sprintf("node %s (%s) is drained: nothing runs there", n.Name, n.Node)
	}
	may := fmt.Sprintf("has %v to end", deadline)
	if deadline <= 0 {
		may = "is given back now"
	}
	return fmt.Sprintf("node %s (%s) is being drained: what runs there, %s, %s; muster drain %s --wait waits",
		n.Name, n.Node, plural(n.Running, "task"), may, n.Node)
}

// awaitDrained waits until a node is empty. What it asks the node for is how far it is, and not that it be drained: somebody
// may take it back meanwhile.
func awaitDrained(ctx context.Context, r *reach, n protocol.NodeInfo) (protocol.NodeInfo, error) {
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for n.Drain != protocol.Drained && !n.Stopped {
		if n.Drain == "" {
			return n, fmt.Errorf("node %s takes tasks again: somebody has asked for that meanwhile", n.Name)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return n, fmt.Errorf("node %s is being drained still; muster nodes says when that is done: %w", n.Name, context.Cause(ctx))
		}
		nodes, err := listNodes(ctx, r)
		if err != nil {
			return n, err
		}
		if n, err = findNode(nodes, n.Node); err != nil {
			return n, err
		}
		if !n.Alive && !n.Stopped {
			return n, fmt.Errorf("node %s is dead: what it had runs elsewhere; it is drained still when it is started again", n.Name)
		}
	}
	return n, nil
}
