package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/internal/journal"
)

// addDir adds the flag for the folder of the cache and the jobs.
func addDir(cmd *cobra.Command) *string {
	return cmd.PersistentFlags().String("dir", "", "the folder of cached results and jobs (default: muster in the user's cache folder)")
}

func jobsDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = cache.DefaultDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "jobs"), nil
}

// where says whose jobs a command is about.
type where struct {
	dir     *string // the folder of this machine's
	context *string
	local   *bool
}

func addWhere(cmd *cobra.Command) where {
	return where{
		dir: addDir(cmd), context: addContext(cmd),
		local: cmd.PersistentFlags().Bool("local", false, "the jobs recorded on this machine, though there is a cluster"),
	}
}

// onCluster reports whether it is about the cluster's. A folder is this machine's.
func (w where) onCluster() (bool, error) {
	if *w.local || *w.dir != "" {
		return false, nil
	}
	name, err := clusterName(*w.context)
	return name != "", err
}

// runs is what a command does.
type runs = func(*cobra.Command, []string) error

// either runs one of two commands.
func (w where) either(here runs, there func(*cobra.Command, *reach, []string) error) runs {
	return func(cmd *cobra.Command, args []string) error {
		switch cluster, err := w.onCluster(); {
		case err != nil:
			return err
		case cluster:
			return withCluster(w.context, there)(cmd, args)
		default:
			return here(cmd, args)
		}
	}
}

// complete completes a job's name.
func (w where) complete(cmd *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
	if cluster, err := w.onCluster(); err == nil && cluster {
		return completeFrom(w.context, jobNames)(cmd, args, begin)
	}
	dir, err := jobsDir(*w.dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	jobs, _ := journal.List(dir) // what can be read is better than nothing
	var names []string
	for _, j := range jobs {
		names = append(names, j.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newJobs() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the jobs of the cluster, or those that have been recorded on this machine",
		Long: `With a current context, MUSTER_ADDR or --context, lists the jobs on that cluster; else, and with --local, those that
programs have recorded on this machine by running with a job's name.`,
		Args: cobra.NoArgs,
	}
	w, asJSON := addWhere(cmd), addJSON(cmd)
	cmd.RunE = w.either(func(cmd *cobra.Command, _ []string) error {
		return printLocalJobs(cmd, *w.dir, *asJSON)
	}, func(cmd *cobra.Command, r *reach, _ []string) error {
		return printClusterJobs(cmd, r, *asJSON)
	})
	return cmd
}

func printLocalJobs(cmd *cobra.Command, dir string, asJSON bool) error {
	d, err := jobsDir(dir)
	if err != nil {
		return err
	}
	jobs, err := journal.List(d)
	if asJSON {
		all := make([]jobJSON, len(jobs))
		for i, j := range jobs {
			all[i] = jobForJSON(j)
		}
		return errors.Join(printJSON(cmd.OutOrStdout(), all), err)
	}
	if len(jobs) == 0 {
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), "no jobs: a program records one when it runs with MUSTER_JOB=NAME, or with Config.Job")
		}
		return err
	}
	rows := [][]string{{"JOB", "STATE", "RUNS", "DONE", "FAILED", "SIZE", "LAST RECORD"}}
	for _, j := range jobs {
		done, failed := totals(j)
		rows = append(rows, []string{
			j.Name, state(j), strconv.Itoa(len(j.Runs)), strconv.Itoa(done), strconv.Itoa(failed), size(j.Size), ago(j.Used),
		})
	}
	return errors.Join(table(cmd.OutOrStdout(), rows), err)
}

func totals(j journal.Job) (done, failed int) {
	for _, c := range j.Counts {
		done += c.Done
		failed += c.Failed
	}
	return done, failed
}

func state(j journal.Job) string {
	if j.Open && len(j.Runs) > 0 {
		return fmt.Sprintf("running in process %d", j.Runs[len(j.Runs)-1].PID)
	}
	return "not running"
}
