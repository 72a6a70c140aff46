package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

func newWhy() *cobra.Command {
	cmd := &cobra.Command{
		Use: "why TASK|JOB", Short: "Say what a task, or a job as a whole, waits for", Args: cobra.ExactArgs(1),
		Long: `Asks a job's driver what a task waits for: a task that it depends on, and where that stands; its turn; room that no node has,
or has free; a condition on labels that no node meets; a pause before it is tried again. If a node has the task, that is asked
how far it is. TASK is a job and a number, as muster tasks --all lists them, or the number alone while only one job runs. For a
job by its id or name, it says what is ready and can't run, and what else holds it up.`,
		Example: `  muster why nightly/17
  muster why 17
  muster why nightly
  muster why nightly/17 --json`,
	}
	name, asJSON := addContext(cmd), addJSON(cmd)
	cmd.ValidArgsFunction = completeFrom(name, jobNames)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		jobs, err := listJobs(cmd.Context(), r)
		if err != nil {
			return err
		}
		ask, err := whatIsAsked(jobs, r.id.Name, args[0])
		if err != nil {
			return err
		}
		var list protocol.TaskList
		if err := r.Ask(cmd.Context(), protocol.OpListTasks, ask, &list); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), whyAnswer{Job: ask.Job, Task: ask.Task, Why: list.Why})
		}
		for _, line := range list.Why {
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
		return nil
	})
	return cmd
}

// whyAnswer is what is printed for programs.
type whyAnswer struct {
	Job  string   `json:"job"`
	Task uint64   `json:"task,omitempty"`
	Why  []string `json:"why"`
}

// whatIsAsked finds the job, and the task, that a name stands for: JOB, JOB/NUMBER, or NUMBER if one job runs.
func whatIsAsked(jobs []protocol.JobInfo, me, name string) (ask protocol.AskTasks, err error) {
	if j, ok, err := jobIn(jobs, me, name); ok || err != nil {
		ask.Job = j.Job
		return ask, err
	}
	job, number, named := "", name, false
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		job, number, named = name[:i], name[i+1:], true
	}
	ask.Task, err = strconv.ParseUint(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil || ask.Task == 0 {
		return ask, fmt.Errorf("%q is neither a job of the cluster nor a task: name a job, or JOB/NUMBER as muster tasks --all lists them", name)
	}
	if named {
		j, ok, err := jobIn(jobs, me, job)
		if err == nil && !ok {
			err = fmt.Errorf("there is no job %s on the cluster: muster jobs lists them", job)
		}
		ask.Job = j.Job
		return ask, err
	}
	j, err := theOneJob(jobs)
	ask.Job = j.Job
	return ask, err
}

// theOneJob is the one that runs, if it is the only one.
func theOneJob(jobs []protocol.JobInfo) (one protocol.JobInfo, err error) {
	var names []string
	for _, j := range jobs {
		if j.State == protocol.JobRunning {
			one = j
			names = append(names, cmp.Or(j.Name, j.Job))
		}
	}
	switch len(names) {
	case 0:
		return one, errors.New("no job runs: tasks that have ended wait for nothing")
	case 1:
		return one, nil
	}
	return one, fmt.Errorf("%d jobs run, and each counts its own tasks: name JOB/NUMBER, of %s",
		len(names), clip(strings.Join(names, ", "), 200))
}
