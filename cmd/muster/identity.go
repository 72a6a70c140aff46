package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

func newIdentity() *cobra.Command {
	cmd := &cobra.Command{
		Use: "identity", Short: "See and revoke who may connect to the cluster", Args: cobra.NoArgs, RunE: help,
		Example: "  muster identity ls\n  muster identity revoke ann   ann's connections end, and ann's jobs",
	}
	name := addContext(cmd)
	cmd.AddCommand(newIdentityList(name), newIdentityRevoke(name))
	return cmd
}

func newIdentityList(name *string) *cobra.Command {
	cmd := &cobra.Command{Use: "ls", Short: "List the keys of users and nodes", Args: cobra.NoArgs}
	asJSON := addJSON(cmd)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		all, err := listIdentities(cmd.Context(), r)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		rows := [][]string{{"NAME", "ROLE", "USER", "MADE ON", "ISSUED", "EXPIRES"}}
		for _, id := range all {
			expires := id.Expires.Local().Format(time.DateTime)
			rows = append(rows, []string{id.Name, id.Role, dash(id.User), clip(id.Host, 30), ago(id.Issued), expires})
		}
		return table(cmd.OutOrStdout(), rows)
	})
	return cmd
}

// listIdentities is who may connect, never nil.
func listIdentities(ctx context.Context, r *reach) ([]protocol.IdentityInfo, error) {
	all := []protocol.IdentityInfo{}
	return all, r.Ask(ctx, protocol.OpListIdentities, nil, &all)
}

func identityNames(ctx context.Context, r *reach) ([]string, error) {
	all, err := listIdentities(ctx, r)
	var names []string
	for _, id := range all {
		names = append(names, id.Name+"\t"+id.Role+" of "+id.Host)
	}
	return names, err
}

func newIdentityRevoke(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke NAME", Short: "End all connections of a user or node, for good, and the user's jobs", Args: cobra.ExactArgs(1),
		ValidArgsFunction: completeFrom(name, identityNames),
	}
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		var dropped protocol.IdentityDropped
		if err := r.Ask(cmd.Context(), protocol.OpDropIdentity, protocol.IdentityName{Name: args[0]}, &dropped); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "revoked", args[0])
		if dropped.Note != "" {
			fmt.Fprintln(cmd.ErrOrStderr(), "muster:", dropped.Note)
		}
		return nil
	})
	return cmd
}
