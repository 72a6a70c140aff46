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

func newUser() *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Say what users may have of the cluster, and see what they have", Args: cobra.NoArgs, RunE: help,
		Long: `What becomes free on the cluster goes to the user who has least of it, by weight; limits hold whether others want the
room or not. A user of whom nothing is said has the weight 1 and no limits.`,
		Example: `  muster user add ann --weight 2             twice the share of the others
  muster user add bob --cpus 16 --jobs 4     at most so much at once
  muster user add bob --gpus 2 --memory 64GiB
  muster user add bob --resource licence=3
  muster user add bob --cpus 0               without a limit of CPUs again
  muster user ls
  muster user rm bob                         bob's connections and jobs end`,
	}
	name := addContext(cmd)
	cmd.AddCommand(newUserAdd(name), newUserList(name), newUserRemove(name))
	return cmd
}

func newUserAdd(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a user, or change what one may have", Args: cobra.ExactArgs(1),
		Long: `Adds a user by the name of the tokens that one joins by, or changes one: what no flag speaks of stays. It takes effect
within a second, for jobs that run too: nothing that runs is stopped, and nothing more starts above a limit.`,
		ValidArgsFunction: completeFrom(name, userNames),
	}
	f := userFlags{limits: addLimits(cmd, "the user's")}
	cmd.Flags().Float64Var(&f.weight, "weight", 1, "of the user's share: with 2, twice what others have")
	cmd.Flags().IntVar(&f.jobs, "jobs", 0, "that the user may have open at once, others wait; 0 for no limit")
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		u, err := findUser(cmd.Context(), r, args[0])
		if err != nil {
			return err
		}
		if err := f.change(cmd, &u.UserShare); err != nil {
			return err
		}
		if err := r.Ask(cmd.Context(), protocol.OpPutUser, u.UserShare, nil); err != nil {
			return err
		}
		if u, err = findUser(cmd.Context(), r, args[0]); err != nil { // an older head passes over what it doesn't know
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "user %s: weight %s, %s; %s\n",
			u.Name, number(u.Weight, "1"), limitsText(&u.Limits), jobsText(u.Jobs))
		if u.Role == "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s hasn't joined: muster token new --role user --user %s makes the token for it\n", u.Name, u.Name)
		}
		return nil
	})
	return cmd
}

// userFlags say what a user may have.
type userFlags struct {
	limits *limitFlags
	weight float64
	jobs   int
}

// change changes what the flags that were given are about.
func (f *userFlags) change(cmd *cobra.Command, u *protocol.UserShare) error {
	change, err := f.limits.change(cmd)
	if err != nil {
		return err
	}
	u.Limits = change.Apply(u.Limits)
	if cmd.Flags().Changed("weight") {
		if u.Weight = f.weight; u.Weight <= 0 {
			return usageError{fmt.Errorf("--weight %v: a weight is above 0", u.Weight)}
		}
	}
	if cmd.Flags().Changed("jobs") {
		u.Jobs = f.jobs
	}
	if err := checkLimit("jobs", float64(f.jobs)); err != nil {
		return usageError{err}
	}
	return nil
}

func jobsText(most int) string {
	if most == 0 {
		return "any number of jobs"
	}
	return fmt.Sprintf("at most %d jobs", most)
}

// findUser is a user as the cluster knows one, or one by that name.
func findUser(ctx context.Context, r *reach, name string) (protocol.UserInfo, error) {
	all, err := listUsers(ctx, r)
	for _, u := range all {
		if u.Name == name {
			return u, err
		}
	}
	return protocol.UserInfo{UserShare: protocol.UserShare{Name: name}}, err
}

// number writes an amount for people, or a word for 0.
func number(n float64, zero string) string {
	if n == 0 {
		return zero
	}
	return strconv.FormatFloat(n, 'g', 6, 64)
}

func newUserList(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ls", Short: "List users: what they may have, and what their jobs have", Args: cobra.NoArgs,
		Long: "An admin sees all users, others themselves. SHARE is the largest part of any resource that the user's jobs have.",
	}
	asJSON := addJSON(cmd)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		all, err := listUsers(cmd.Context(), r)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		rows := [][]string{{"USER", "ROLE", "WEIGHT", "CPUS", "OF", "GPUS", "OF", "MEMORY", "OF", "OTHERS", "JOBS", "OF", "SHARE"}}
		for _, u := range all {
			rows = append(rows, []string{
				u.Name, dash(u.Role), number(u.Weight, "1"), number(float64(u.Used.CPU)/perUnit, "0"), number(u.CPUs, "-"),
				number(float64(u.Used.GPUs)/perUnit, "0"), number(u.GPUs, "-"), size(u.Used.Memory), sizeLimit(u.Memory),
				dash(namedText(&u)), strconv.Itoa(u.Live), number(float64(u.Jobs), "-"), fmt.Sprintf("%.0f %%", 100*u.Share),
			})
		}
		return table(cmd.OutOrStdout(), rows)
	})
	return cmd
}

func sizeLimit(n int64) string {
	if n == 0 {
		return "-"
	}
	return size(n)
}

// namedText is what a user has of other resources, and may have: "licence 2 of 3, seat 1".
func namedText(u *protocol.UserInfo) string {
	all := maps.Clone(u.Used.Named)
	if all == nil {
		all = map[string]int64{}
	}
	for name := range u.Named {
		all[name] += 0
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := name + " " + number(float64(all[name])/perUnit, "0")
		if limit := u.Named[name]; limit > 0 {
			text += " of " + number(float64(limit)/perUnit, "0")
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// listUsers is the users that one may see, never nil.
func listUsers(ctx context.Context, r *reach) ([]protocol.UserInfo, error) {
	all := []protocol.UserInfo{}
	return all, r.Ask(ctx, protocol.OpListUsers, nil, &all)
}

func userNames(ctx context.Context, r *reach) ([]string, error) {
	all, err := listUsers(ctx, r)
	var names []string
	for _, u := range all {
		names = append(names, u.Name+"\t"+u.Role)
	}
	return names, err
}

func newUserRemove(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", Short: "Remove a user: connections and jobs end, weight and limits are forgotten", Args: cobra.ExactArgs(1),
		ValidArgsFunction: completeFrom(name, userNames),
	}
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		if err := r.Ask(cmd.Context(), protocol.OpDropUser, protocol.IdentityName{Name: args[0]}, nil); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "removed user", args[0])
		return nil
	})
	return cmd
}
