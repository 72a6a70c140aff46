package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
)

func newContext() *cobra.Command {
	cmd := &cobra.Command{
		Use: "context", Short: "Choose the cluster that commands and muster run use", Args: cobra.NoArgs, RunE: help,
		Long: `A context is a user's way to reach a cluster: where it is, and who one is there. muster up makes one for who
starts a cluster, muster join one for who has a user's token. They are files that only their owner may read, in the folder
contexts of $MUSTER_CONFIG (default: muster in the user's folder for configuration).`,
		Example: `  muster context ls
  muster context use lab            from now on, commands and muster run use the cluster lab
  MUSTER_ADDR=lab ./simulate        a program, on that cluster
  muster context use --none         programs run in their own process again`,
	}
	cmd.AddCommand(newContextList(), newContextUse(), newContextShow(), newContextRemove())
	return cmd
}

// contextJSON is a context as programs read it, without its secret.
type contextJSON struct {
	Name    string   `json:"name"`
	Current bool     `json:"current"`
	Cluster string   `json:"cluster"`
	User    string   `json:"user"`
	Role    string   `json:"role"`
	URLs    []string `json:"urls"`
	Join    []string `json:"join"`
}

func describeContext(c join.Contexts, name, current string) (contextJSON, error) {
	id, err := c.Load(name)
	return contextJSON{name, name == current, id.Cluster, id.Name, id.Role, id.URLs, id.Join}, err
}

func newContextList() *cobra.Command {
	cmd := &cobra.Command{Use: "ls", Short: "List the contexts; * marks the current one", Args: cobra.NoArgs}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := join.UserContexts()
		if err != nil {
			return err
		}
		names, err := c.List()
		if err != nil {
			return err
		}
		current, err := c.Current()
		if err != nil {
			return err
		}
		all := make([]contextJSON, 0, len(names))
		var errs []error
		for _, name := range names {
			one, err := describeContext(c, name, current)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			all = append(all, one)
		}
		return errors.Join(append([]error{printContexts(cmd, all, *asJSON)}, errs...)...)
	}
	return cmd
}

func printContexts(cmd *cobra.Command, all []contextJSON, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), all)
	}
	if len(all) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "no contexts: muster up starts a cluster, muster join joins one")
		return nil
	}
	rows := [][]string{{"", "NAME", "CLUSTER", "USER", "ROLE", "ADDRESS"}}
	for _, c := range all {
		mark := ""
		if c.Current {
			mark = "*"
		}
		rows = append(rows, []string{mark, c.Name, c.Cluster, c.User, c.Role, strings.Join(c.URLs, " ")})
	}
	return table(cmd.OutOrStdout(), rows)
}

func newContextUse() *cobra.Command {
	cmd := &cobra.Command{
		Use: "use NAME", Short: "Make a context the current one", ValidArgsFunction: completeContext,
	}
	none := cmd.Flags().Bool("none", false, "have no current context: programs run in their own process")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if *none {
			return cobra.NoArgs(cmd, args)
		}
		return cobra.ExactArgs(1)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := join.UserContexts()
		if err != nil {
			return err
		}
		if *none {
			return forgetCurrent(c)
		}
		return c.Use(args[0])
	}
	return cmd
}

func forgetCurrent(c join.Contexts) error {
	err := os.Remove(filepath.Join(filepath.Dir(c.Dir), "current"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func newContextShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show [NAME]", Short: "Show a context, without its secret; the current one by default", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: completeContext,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := clusterName(strings.Join(args, ""))
		if err != nil {
			return err
		}
		if name, _, err = findContext(name); err != nil {
			return err
		}
		c, err := join.UserContexts()
		if err != nil {
			return err
		}
		current, err := c.Current()
		if err != nil {
			return err
		}
		one, err := describeContext(c, name, current)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), one)
		}
		return table(cmd.OutOrStdout(), [][]string{
			{"context", one.Name}, {"cluster", one.Cluster}, {"user", one.User}, {"role", one.Role},
			{"address", strings.Join(one.URLs, " ")}, {"for joining", strings.Join(one.Join, " ")},
		})
	}
	return cmd
}

func newContextRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME...", Short: "Forget contexts; the clusters go on", Args: cobra.MinimumNArgs(1), ValidArgsFunction: completeContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := join.UserContexts()
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range args {
				switch err := c.Remove(name); {
				case isGone(err):
					errs = append(errs, fmt.Errorf("there is no context %q; muster context ls lists those that are there", name))
				case err != nil:
					errs = append(errs, err)
				default:
					fmt.Fprintln(cmd.OutOrStdout(), "removed", name)
				}
			}
			return errors.Join(errs...)
		},
	}
}
