package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/journal"
)

func newJob() *cobra.Command {
	cmd := &cobra.Command{
		Use: "job", Short: "Show, cancel or remove a job, or change its share", Args: cobra.NoArgs, RunE: help,
		Example: "  muster job show nightly\n  muster job share nightly --cpus 8\n  muster job rm --local nightly",
	}
	w := addWhere(cmd)
	cmd.AddCommand(newJobShow(w), newJobShare(w), newJobRemove(w), newJobCancel(w))
	return cmd
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func newJobShow(w where) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show JOB", Short: "Show a job: what it runs, or what it has recorded, by function", Args: cobra.ExactArgs(1),
		ValidArgsFunction: w.complete,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = w.either(func(cmd *cobra.Command, args []string) error {
		return showLocalJob(cmd, *w.dir, args[0], *asJSON)
	}, func(cmd *cobra.Command, r *reach, args []string) error {
		return showClusterJob(cmd, r, args[0], *asJSON)
	})
	return cmd
}

func showLocalJob(cmd *cobra.Command, dir, name string, asJSON bool) error {
	d, err := jobsDir(dir)
	if err != nil {
		return err
	}
	j, err := journal.Describe(d, name)
	if errors.Is(err, fs.ErrNotExist) {
		return noJob(name)
	}
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if asJSON {
		return printJSON(w, jobForJSON(j))
	}
	fmt.Fprintf(w, "job %s: %s, %s, %s, last record %s\n", j.Name, state(j), plural(len(j.Runs), "run"), size(j.Size), ago(j.Used))
	if j.Damaged > 0 {
		fmt.Fprintf(w, "%s: they run again\n", plural(j.Damaged, "damaged record"))
	}
	rows := [][]string{{"\nFUNCTION", "DONE", "FAILED"}}
	for _, c := range j.Counts {
		rows = append(rows, []string{c.Func, strconv.Itoa(c.Done), strconv.Itoa(c.Failed)})
	}
	rows = append(rows, []string{"\nRUN", "STARTED", "PROCESS", "PROGRAM"})
	for _, r := range j.Runs {
		rows = append(rows, []string{
			strconv.Itoa(r.Epoch), r.Started.Format(time.DateTime), fmt.Sprintf("%d on %s", r.PID, r.Host),
			clip(strings.Join(r.Program, " "), 80),
		})
	}
	return table(w, rows)
}

func noJob(name string) error { return fmt.Errorf("there is no job %s: muster jobs lists them", name) }

func newJobCancel(w where) *cobra.Command {
	return &cobra.Command{
		Use: "cancel JOB...", Short: "End jobs on the cluster, as muster cancel does", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: w.complete, RunE: withCluster(w.context, cancelJobs),
	}
}

func newJobRemove(w where) *cobra.Command {
	return &cobra.Command{
		Use: "rm JOB...", Short: "Remove jobs, and all that they have recorded", Args: cobra.MinimumNArgs(1), ValidArgsFunction: w.complete,
		Long: `Removes jobs that don't run. On a cluster, those without a name go by themselves with their driver, and those with one
a week after their last run. A program that is run with a job's name keeps a journal on its own machine too, from which the
next run resumes: rm on that machine removes it as well, and on others muster job rm --local JOB there does.`,
		RunE: w.either(func(cmd *cobra.Command, args []string) error {
			return removeLocalJobs(cmd, *w.dir, args)
		}, removeClusterJobs),
	}
}

func removeLocalJobs(cmd *cobra.Command, dir string, names []string) error {
	d, err := jobsDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		switch err := journal.Remove(d, name); {
		case err == nil:
			fmt.Fprintln(cmd.OutOrStdout(), "removed", name)
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, noJob(name))
		default:
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
