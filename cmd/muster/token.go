package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "Make and revoke the tokens by which machines and users join", Args: cobra.NoArgs, RunE: help,
		Example: `  muster token new                              for one machine, within a day
  muster token new --uses 20 --life 1h          for twenty machines, within an hour
  muster token new --role user --user ann       for a person
  muster token new --user ann                   for a machine that runs ann's jobs
  muster token revoke 3fa91c22d0e4b716`,
	}
	name := addContext(cmd)
	cmd.AddCommand(newTokenNew(name), newTokenList(name), newTokenRevoke(name))
	return cmd
}

func newTokenNew(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "new", Short: "Make a token, and print how one joins by it", Args: cobra.NoArgs,
		Long: `Prints the command to join by. The token is a secret: who has it can join, in its role, as often as it says. A user
sees and cancels the own jobs only; an admin may do everything. A machine's agent that isn't run by root serves the jobs of
one user, unless it is started with --allow-users: yours, or those of --user.`,
	}
	asJSON := addJSON(cmd)
	role := cmd.Flags().String("role", join.RoleAgent, "what it lets one become: agent (a machine), user or admin")
	_ = cmd.RegisterFlagCompletionFunc("role", // fails for a flag that isn't there
		cobra.FixedCompletions([]string{join.RoleAgent, join.RoleUser, join.RoleAdmin}, cobra.ShellCompDirectiveNoFileComp))
	user := cmd.Flags().String("user", "",
		"the user's name, or for a machine that of the user whose node it is to be (default: your login's name, or for a machine you)")
	uses := cmd.Flags().Int("uses", 1, "how often it may be used")
	life := cmd.Flags().Duration("life", 24*time.Hour, "how long it is good for")
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		if *uses < 1 || *life <= 0 {
			return usageError{fmt.Errorf("--uses %d, --life %v: both must be above 0", *uses, *life)}
		}
		if *user == "" && *role == join.RoleUser {
			*user = os.Getenv("USER")
		}
		var info protocol.TokenInfo
		ask := protocol.NewToken{Role: *role, User: *user, Uses: *uses, Life: *life}
		if err := r.Ask(cmd.Context(), protocol.OpNewToken, ask, &info); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), info)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "muster join --token", info.Token)
		fmt.Fprintf(cmd.ErrOrStderr(), "token %s: role %s, %s, until %s\n",
			info.ID, info.Role, plural(info.Left, "use"), info.Expires.Local().Format(time.DateTime))
		if t, err := join.ParseToken(info.Token); err == nil && !slices.ContainsFunc(t.Addresses, reachable) {
			listen := listenFlag
			if r.id.Servers != nil {
				listen = listenJoinFlag
			}
			fmt.Fprintln(cmd.ErrOrStderr(), onlyHere(listen))
		}
		return nil
	})
	return cmd
}

func newTokenList(name *string) *cobra.Command {
	cmd := &cobra.Command{Use: "ls", Short: "List the tokens, without their secrets", Args: cobra.NoArgs}
	asJSON := addJSON(cmd)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		tokens, err := listTokens(cmd.Context(), r)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), tokens)
		}
		if len(tokens) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no tokens: muster token new makes one")
			return nil
		}
		rows := [][]string{{"TOKEN", "ROLE", "USER", "USES LEFT", "EXPIRES"}}
		for _, t := range tokens {
			expires := t.Expires.Local().Format(time.DateTime)
			if time.Now().After(t.Expires) {
				expires = "expired"
			}
			rows = append(rows, []string{t.ID, t.Role, dash(t.User), strconv.Itoa(t.Left), expires})
		}
		return table(cmd.OutOrStdout(), rows)
	})
	return cmd
}

// listTokens is the cluster's tokens, never nil.
func listTokens(ctx context.Context, r *reach) ([]protocol.TokenInfo, error) {
	tokens := []protocol.TokenInfo{}
	return tokens, r.Ask(ctx, protocol.OpListTokens, nil, &tokens)
}

func tokenNames(ctx context.Context, r *reach) ([]string, error) {
	tokens, err := listTokens(ctx, r)
	var names []string
	for _, t := range tokens {
		names = append(names, t.ID+"\t"+strings.TrimSpace(t.Role+" "+t.User)) // what is behind a tab, shells show beside it
	}
	return names, err
}

func newTokenRevoke(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke TOKEN", Aliases: []string{"rm"}, Args: cobra.ExactArgs(1),
		ValidArgsFunction: completeFrom(name, tokenNames),
		Short:             "Have nobody join by a token any more; who has joined by it stays",
		RunE: withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
			if err := r.Ask(cmd.Context(), protocol.OpDropToken, protocol.TokenID{ID: args[0]}, nil); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "revoked", args[0])
			return nil
		}),
	}
}
