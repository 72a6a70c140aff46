package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

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

func newJobs() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the jobs that have been recorded on this machine",
		Args:  cobra.NoArgs,
	}
	dir, asJSON := addDir(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, err := jobsDir(*dir)
		if err != nil {
			return err
		}
		jobs, err := journal.List(d)
		if *asJSON {
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
	return cmd
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

func newJob() *cobra.Command {
	cmd := &cobra.Command{Use: "job", Short: "Show or remove a job", Args: cobra.NoArgs, RunE: help}
	dir := addDir(cmd)
	cmd.AddCommand(newJobShow(dir), newJobRemove(dir))
	return cmd
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func newJobShow(dir *string) *cobra.Command {
	cmd := &cobra.Command{Use: "show JOB", Short: "Show what a job has recorded, by function, and its runs", Args: cobra.ExactArgs(1)}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := jobsDir(*dir)
		if err != nil {
			return err
		}
		j, err := journal.Describe(d, args[0])
		if errors.Is(err, fs.ErrNotExist) {
			return noJob(args[0])
		}
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if *asJSON {
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
	return cmd
}

func noJob(name string) error { return fmt.Errorf("there is no job %s: muster jobs lists them", name) }

func newJobRemove(dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "rm JOB...", Short: "Remove jobs, and all that they have recorded", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := jobsDir(*dir)
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range args {
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
		},
	}
}
