package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

func newHistory() *cobra.Command {
	cmd := &cobra.Command{
		Use: "history [jobs|tasks|attempts|nodes|functions]", Short: "Look back: what ran on the cluster, what failed, and what it used",
		Long: `Shows what the head has recorded, also of jobs that are gone: by default jobs, the latest last.

  jobs       each driver's run of a job
  tasks      how many tasks of each function have succeeded and failed, items of a Map one by one
  attempts   each attempt that failed or was lost with its worker or node, and why
  nodes      machines that were there
  functions  what the attempts of each function took on nodes: time, CPU, memory

You see your own jobs, an admin all. A head that is killed may have lost what was in the last second.`,
		Example: `  muster history                                     the jobs of the last seven days
  muster history attempts --since 1h                 what failed within the hour
  muster history functions --job nightly --since 30d what its functions used
  muster history tasks --since 2026-11-01 --json     for programs`,
		ValidArgs: []string{"jobs", "tasks", "attempts", "nodes", "functions"},
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
	}
	name, asJSON := addContext(cmd), addJSON(cmd)
	since := cmd.Flags().String("since", "7d", "from when on: 30m, 12h, 7d, or a day or moment such as 2026-11-01 or 2026-11-01T08:00:00Z")
	job := cmd.Flags().String("job", "", "of this job alone, by its name or id")
	most := cmd.Flags().Int("most", 100, "how many rows, the latest")
	ask := withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		q := protocol.AskHistory{What: protocol.HistoryJobs, Job: *job, Most: *most}
		if len(args) > 0 {
			q.What = protocol.HistoryKind(args[0])
		}
		q.Since, _ = parseSince(*since, time.Now())
		var h protocol.History
		if err := r.Ask(cmd.Context(), protocol.OpHistory, q, &h); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), h)
		}
		return printHistory(cmd.OutOrStdout(), q.What, &h)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := parseSince(*since, time.Now()); err != nil {
			return usageError{err}
		}
		if *most < 1 || *most > protocol.MaxHistory {
			return usageError{fmt.Errorf("--most %d: it must be between 1 and %d", *most, protocol.MaxHistory)}
		}
		return ask(cmd, args)
	}
	return cmd
}

// parseSince reads a moment, or how long ago it was.
func parseSince(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 1<<15 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("--since %q: write 30m, 12h, 7d, 2026-11-01 or 2026-11-01T08:00:00Z", text)
}

func printHistory(w io.Writer, what protocol.HistoryKind, h *protocol.History) error {
	rows := historyRows(what, h)
	if len(rows) == 1 {
		_, err := fmt.Fprintln(w, "nothing is recorded of that time")
		return err
	}
	if err := table(w, rows); err != nil {
		return err
	}
	if h.More {
		fmt.Fprintln(w, "(there is more, before that: see --most)")
	}
	return nil
}

func historyRows(what protocol.HistoryKind, h *protocol.History) (rows [][]string) {
	add := func(cells ...any) {
		row := make([]string, 0, len(cells))
		for _, c := range cells {
			row = append(row, dash(fmt.Sprint(c)))
		}
		rows = append(rows, row)
	}
	switch what {
	case protocol.HistoryJobs:
		add("OPENED", "JOB", "NAME", "OWNER", "PROGRAM", "STATE", "TOOK", "DONE", "FAILED", "WHY")
		for _, j := range h.Jobs {
			took := ""
			if !j.Ended.IsZero() {
				took = short3(j.Ended.Sub(j.Opened))
			}
			add(moment(j.Opened), j.Job, clip(j.Name, 30), j.Owner, clip(j.Program, 30), j.State, took, j.Done, j.Failed, clip(j.Error, 60))
		}
	case protocol.HistoryTasks:
		add("FUNCTION", "DONE", "FAILED")
		for _, t := range h.Tasks {
			add(clip(t.Func, 60), t.Done, t.Failed)
		}
	case protocol.HistoryAttempts:
		add("TIME", "JOB", "TASK", "ATTEMPT", "END", "NODE", "TOOK", "WHY")
		for _, a := range h.Attempts {
			task := clip(a.Func, 40)
			if a.Task > 0 {
				task += fmt.Sprintf(" #%d", a.Task)
			}
			if a.Item >= 0 {
				task += fmt.Sprintf(" item %d", a.Item)
			}
			add(moment(a.Time), a.Job, task, a.Attempt, a.End, a.Node, short3(a.Took), clip(a.Error, 100))
		}
	case protocol.HistoryNodes:
		add("NODE", "NAME", "PLATFORM", "CPUS", "MEMORY", "STARTED", "AS OF", "STATE", "MOST RESIDENT")
		for _, n := range h.Nodes {
			add(n.Node, clip(n.Name, 30), n.OS+"/"+n.Arch, n.CPUs, size(n.Memory), moment(n.Started), moment(n.Seen), n.State, size(n.Most))
		}
	case protocol.HistoryFunctions:
		add("FUNCTION", "SUCCEEDED", "FAILED", "CANCELED", "LOST", "TIME", "MEAN", "LONGEST", "CPU", "MEMORY")
		for _, u := range h.Functions {
			n := max(1, u.Succeeded+u.Failed+u.Canceled)
			add(clip(u.Func, 60), u.Succeeded, u.Failed, u.Canceled, u.Lost, short3(u.Ran),
				short3(u.Ran/time.Duration(n)), short3(u.Longest), short3(u.CPU), size(u.Memory)) //nolint:gosec // a count
		}
	}
	return rows
}

// moment is a time for people.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// short3 is a duration of about three digits.
func short3(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	unit := time.Nanosecond
	for d >= 1000*unit && unit < time.Second {
		unit *= 10
	}
	return d.Round(max(unit/10, 1)).String()
}
