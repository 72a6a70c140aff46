package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
)

// envAddr is the variable that names the cluster for programs and for this command: a context, or an address in one.
const envAddr = "MUSTER_ADDR"

// addContext adds the flag that chooses a cluster.
func addContext(cmd *cobra.Command) *string {
	name := cmd.PersistentFlags().String("context", "", "the cluster, by its context's name (default: "+envAddr+", else the current context)")
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts) // fails for a flag that isn't there
	return name
}

// clusterName is the context that the flag, the environment or the user's choice names; "" if none does.
func clusterName(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if name := os.Getenv(envAddr); name != "" {
		return name, nil
	}
	contexts, err := join.UserContexts()
	if err != nil {
		return "", err
	}
	return contexts.Current()
}

// findContext loads a context by its name, by an address that stands in one, or the current one for "".
func findContext(name string) (string, join.Identity, error) {
	contexts, err := join.UserContexts()
	if err != nil {
		return "", join.Identity{}, err
	}
	if strings.Contains(name, ":") {
		return findAddress(contexts, name)
	}
	id, err := contexts.Load(name)
	if name == "" && err == nil {
		name, err = contexts.Current()
	}
	return name, id, err
}

func findAddress(contexts join.Contexts, addr string) (string, join.Identity, error) {
	names, err := contexts.List()
	if err != nil {
		return "", join.Identity{}, err
	}
	for _, name := range names {
		id, err := contexts.Load(name)
		if err == nil && (slices.Contains(id.URLs, "tls://"+addr) || slices.Contains(id.Join, addr)) {
			return name, id, nil
		}
	}
	return "", join.Identity{}, fmt.Errorf(
		"no context has the address %s: check it with muster context ls, or make one with muster join %s --token T", addr, addr)
}

// reach is a connection to a cluster as one of its users.
type reach struct {
	join.Control

	name string // the context's
	id   join.Identity
}

// dial connects to the cluster that a flag or the environment names, or to the current one.
func dial(ctx context.Context, flag string) (*reach, error) {
	name, err := clusterName(flag)
	if err != nil {
		return nil, err
	}
	return dialContext(ctx, name)
}

func dialContext(ctx context.Context, name string) (*reach, error) {
	name, id, err := findContext(name)
	if err != nil {
		return nil, err
	}
	conn, err := join.Connect(ctx, id, join.Options{Label: "muster, the command", Renewed: func(fresh join.Identity) {
		if contexts, err := join.UserContexts(); err == nil {
			_ = contexts.Save(name, fresh) // the old one is good for a while; the next command tries again
		}
	}})
	if err != nil {
		return nil, fmt.Errorf("context %s: %w", name, err)
	}
	return &reach{join.Control{Conn: conn, Who: id.Name}, name, id}, nil
}

// withCluster runs a command on a connection to the cluster.
func withCluster(flag *string, do func(cmd *cobra.Command, r *reach, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		r, err := dial(cmd.Context(), *flag)
		if err != nil {
			return err
		}
		defer r.Conn.Close()
		return do(cmd, r, args)
	}
}

// completing bounds what completion asks a cluster: a shell waits for it.
const completing = time.Second

// completeFrom completes arguments by what a cluster answers, as many as the command takes and each once.
func completeFrom(flag *string, names func(context.Context, *reach) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if !takesMore(cmd, args) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completing)
		defer cancel()
		r, err := dial(ctx, *flag)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer r.Conn.Close()
		list, err := names(ctx, r)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return without(list, args), cobra.ShellCompDirectiveNoFileComp
	}
}

// takesMore reports whether a command takes another argument.
func takesMore(cmd *cobra.Command, args []string) bool {
	return cmd.Args == nil || cmd.Args(cmd, append(slices.Clone(args), "another")) == nil
}

// without is the completions that aren't among the arguments yet.
func without(list, args []string) []string {
	return slices.DeleteFunc(list, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "\t")
		return slices.Contains(args, name)
	})
}

// completeContext completes an argument.
func completeContext(cmd *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
	if !takesMore(cmd, args) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, directive := completeContexts(cmd, args, begin)
	return without(names, args), directive
}

// completeContexts completes a flag.
func completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	contexts, err := join.UserContexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := contexts.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// isGone reports whether an error says that something isn't there.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
