package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

func newLeave() *cobra.Command {
	cmd := &cobra.Command{
		Use: "leave", Short: "Stop this machine's agent, and forget the cluster that it is a node of", Args: cobra.NoArgs,
		Long: `Stops the agent and removes the machine's identity: to join again needs a new token. muster down stops it without
that, and muster join without a token starts it again. While tasks run here it refuses, unless --force is given: they run
again elsewhere then.`,
	}
	state := addState(cmd)
	force := cmd.Flags().Bool("force", false, "also while tasks run here")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		folder, err := stateFolder(*state)
		if err != nil {
			return err
		}
		return leave(cmd, folder, *force)
	}
	return cmd
}

func leave(cmd *cobra.Command, state daemon.Folder, force bool) error {
	id, err := join.Load(identityFile(state))
	if isGone(err) {
		fmt.Fprintf(cmd.OutOrStdout(), "this machine is no node of a cluster (%s)\n", state)
		return nil
	}
	if err != nil {
		return err
	}
	_, running, err := state.Running(serviceAgent)
	if err != nil {
		return err
	}
	if running && !force {
		if err := undisturbed(cmd.Context(), state, false); err != nil {
			return err
		}
	}
	if _, err := state.Stop(cmd.Context(), serviceAgent, stopping); err != nil {
		return err
	}
	if err := forget(state); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "this machine was node %s of cluster %s\n", id.Name, id.Cluster)
	return nil
}
