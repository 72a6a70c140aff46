package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

// jobLabel is what people call a job: its name and its id.
func jobLabel(j protocol.JobInfo) string {
	if j.Name != "" {
		return j.Name + " (" + j.Job + ")"
	}
	return j.Job
}

// listJobs is the cluster's jobs that one may see, oldest first; never nil.
func listJobs(ctx context.Context, r *reach) ([]protocol.JobInfo, error) {
	jobs := []protocol.JobInfo{}
	return jobs, r.Ask(ctx, protocol.OpListJobs, nil, &jobs)
}

// jobNames is what jobs are called, for completion.
func jobNames(ctx context.Context, r *reach) ([]string, error) {
	jobs, err := listJobs(ctx, r)
	var names []string
	for _, j := range jobs {
		names = append(names, cmp.Or(j.Name, j.Job))
	}
	return names, err
}

func printClusterJobs(cmd *cobra.Command, r *reach, asJSON bool) error {
	jobs, err := listJobs(cmd.Context(), r)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), jobs)
	}
	if len(jobs) == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "no jobs on the cluster of context %s: muster run PACKAGE runs a program on it\n", r.name)
		return nil
	}
	return table(cmd.OutOrStdout(), jobRows(jobs))
}

func jobRows(jobs []protocol.JobInfo) [][]string {
	rows := [][]string{{"JOB", "NAME", "STATE", "OWNER", "PROGRAM", "PROGRESS", "WAITING", "RUNNING", "FAILED", "AGE", "TOOK"}}
	for _, j := range jobs {
		rows = append(rows, []string{
			j.Job, dash(j.Name), jobState(j), j.Owner, clip(j.Program, 30), progressOf(j.Load),
			strconv.Itoa(j.Load.Waiting), strconv.Itoa(j.Load.Running), strconv.FormatUint(j.Load.Failed, 10),
			lasts(time.Since(j.Opened)), took(j),
		})
	}
	return rows
}

// progressOf is how many of the tasks that are known are done.
func progressOf(l protocol.RenewJob) string {
	known := l.Done + l.Failed + uint64(max(l.Waiting+l.Running, 0)) //nolint:gosec // not below 0
	return fmt.Sprintf("%d/%d", l.Done, known)
}

// jobState is where a job stands: that of its submission says more.
func jobState(j protocol.JobInfo) string {
	s := j.Submitted
	switch {
	case s == nil:
		return string(j.State)
	case s.State == protocol.DriverWaiting && s.Attempt > 0:
		return "restarting"
	case s.State == protocol.DriverFailed && s.ExitCode > 0:
		return fmt.Sprintf("failed (%d)", s.ExitCode)
	}
	return string(s.State)
}

// isLive reports whether a job runs, or is submitted and will.
func isLive(j protocol.JobInfo) bool {
	if j.Submitted != nil {
		return j.Submitted.State.Live()
	}
	return j.State == protocol.JobRunning
}

// took is how long a job has run.
func took(j protocol.JobInfo) string {
	end := j.Ended
	if end.IsZero() {
		end = time.Now()
	}
	return lasts(end.Sub(j.Opened))
}

// lasts is a duration for people.
func lasts(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < 10*time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	default:
		return d.Round(time.Minute).String()
	}
}

func showClusterJob(cmd *cobra.Command, r *reach, name string, asJSON bool) error {
	j, err := findJob(cmd.Context(), r, name)
	if err == nil && j.Submitted != nil {
		j, err = submittedJob(cmd.Context(), r, j.Submitted.ID)
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), j)
	}
	return printClusterJob(cmd.OutOrStdout(), j)
}

func printClusterJob(w io.Writer, j protocol.JobInfo) error {
	rows := [][]string{
		{"job", jobLabel(j)}, {"state", jobState(j)}, {"owner", j.Owner},
		{"program", clip(strings.Join(append([]string{j.Program}, j.Args...), " "), 120)},
	}
	if j.Epoch > 0 { // else its driver hasn't opened it
		rows = append(rows, []string{"driver", fmt.Sprintf("process %d on %s, the job's %s", j.PID, j.Host, ordinal(j.Epoch))})
	}
	if j.Submitted != nil {
		rows = append(rows, submittedRows(j.Submitted)...)
	}
	rows = append(rows, [][]string{
		{"began", j.Opened.Local().Format(time.DateTime)}, {"took", took(j)},
		{"tasks", fmt.Sprintf("%d waiting, %d running, %d done, %d failed", j.Load.Waiting, j.Load.Running, j.Load.Done, j.Load.Failed)},
	}...)
	if j.State == protocol.JobRunning {
		rows = append(rows, []string{"heard of", ago(j.Renewed)})
	}
	if share := shareText(j.Share); share != shareText(protocol.JobShare{}) {
		rows = append(rows, []string{"share", share})
	}
	if j.Error != "" {
		rows = append(rows, []string{"error", clip(j.Error, 300)})
	}
	for _, b := range j.Binaries {
		rows = append(rows, []string{"executable", fmt.Sprintf("%s/%s, %s, %.12s", b.OS, b.Arch, size(b.Size), b.Hash)})
	}
	for _, f := range j.Files {
		rows = append(rows, []string{"file", fmt.Sprintf("%s, %s", f.Path, size(f.Size))})
	}
	if s := j.Submitted; s != nil && s.Tail != "" && !s.State.Live() {
		rows = append(rows, []string{"\nit wrote last:\n" + strings.TrimRight(s.Tail, "\n")})
	}
	if len(j.Load.Progress) > 0 {
		rows = append(rows, []string{"\nFUNCTION", "UNFINISHED"})
	}
	for _, name := range slices.Sorted(maps.Keys(j.Load.Progress)) {
		rows = append(rows, []string{name, strconv.Itoa(j.Load.Progress[name])})
	}
	return table(w, rows)
}

// ordinal is "1st driver", "2nd driver".
func ordinal(n uint32) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		suffix = [...]string{"th", "st", "nd", "rd", "th", "th", "th", "th", "th", "th"}[n%10]
	}
	return fmt.Sprintf("%d%s driver", n, suffix)
}
