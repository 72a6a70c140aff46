package main

import (
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
		all := []protocol.IdentityInfo{}
		if err := r.Ask(cmd.Context(), protocol.OpListIdentities, nil, &all); err != nil {
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

func newIdentityRevoke(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke NAME", Short: "End all connections of a user or node, for good, and the user's jobs", Args: cobra.ExactArgs(1),
	}
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		if err := r.Ask(cmd.Context(), protocol.OpDropIdentity, protocol.IdentityName{Name: args[0]}, nil); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "revoked", args[0])
		return nil
	})
	return cmd
}
