package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

func newNodes() *cobra.Command {
	cmd := &cobra.Command{
		Use: "nodes", Short: "List the machines of the cluster", Args: cobra.NoArgs,
		Example: "  muster nodes\n  muster nodes --json | jq '.[] | select(.alive) | .name'",
	}
	name, asJSON := addContext(cmd), addJSON(cmd)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		nodes, err := listNodes(cmd.Context(), r)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), nodes)
		}
		if len(nodes) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no nodes: muster up starts an agent on the head's machine, muster join on others")
			return nil
		}
		return table(cmd.OutOrStdout(), nodeRows(nodes))
	})
	return cmd
}

// listNodes is the nodes, never nil.
func listNodes(ctx context.Context, r *reach) ([]protocol.NodeInfo, error) {
	nodes := []protocol.NodeInfo{}
	return nodes, r.Ask(ctx, protocol.OpListNodes, nil, &nodes)
}

func nodeRows(nodes []protocol.NodeInfo) [][]string {
	rows := [][]string{{"NODE", "NAME", "STATE", "PLATFORM", "CPUS", "FREE", "MEMORY", "TASKS", "WORKERS", "USES", "GIVES", "USERS", "SEEN"}}
	for _, n := range nodes {
		rows = append(rows, []string{
			n.Node, clip(n.Name, 30), stateOf(n), n.OS + "/" + n.Arch, amount(n.CPUs), amount(n.FreeCPU), size(n.Memory),
			strconv.Itoa(n.Running), strconv.Itoa(n.Workers), size(n.Resident), dash(clip(gives(n), 40)), serves(n), ago(n.Seen),
		})
	}
	return rows
}

// stateOf is a node's state in a word.
func stateOf(n protocol.NodeInfo) string {
	switch {
	case n.Stopped:
		return "stopped"
	case !n.Alive:
		return "dead"
	case n.Drain != "":
		return string(n.Drain)
	default:
		return "alive"
	}
}

// gives is a node's GPUs, named resources and labels.
func gives(n protocol.NodeInfo) string {
	var parts []string
	if n.GPUs > 0 {
		parts = append(parts, "gpus="+amount(n.GPUs))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Named)) {
		parts = append(parts, name+"="+amount(float64(n.Named[name])/perUnit))
	}
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		parts = append(parts, key+"="+n.Labels[key])
	}
	return strings.Join(parts, " ")
}

// serves is whose jobs a node runs.
func serves(n protocol.NodeInfo) string {
	switch n.Users {
	case protocol.UsersAll:
		return "all"
	case protocol.UsersAccounts:
		return "accounts"
	}
	return dash(clip(n.Users, 32))
}

// amount is a number with at most two digits behind the point.
func amount(x float64) string {
	s := strconv.FormatFloat(x, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// cpus is "1 CPU", "2.5 CPUs".
func cpus(x float64) string {
	if x == 1 {
		return "1 CPU"
	}
	return amount(x) + " CPUs"
}

// findNode is the node with that id, or the one with that name.
func findNode(nodes []protocol.NodeInfo, name string) (protocol.NodeInfo, error) {
	var found []protocol.NodeInfo
	for _, n := range nodes {
		if n.Node == name {
			return n, nil
		}
		if n.Name == name {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return protocol.NodeInfo{}, fmt.Errorf("there is no node %s: muster nodes lists them", name)
	case 1:
		return found[0], nil
	default:
		return protocol.NodeInfo{}, fmt.Errorf("%d nodes are called %s: give the id of one, as muster nodes lists them", len(found), name)
	}
}
