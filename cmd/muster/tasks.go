package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

// usualTasks is how many single tasks are listed unless one asks for more.
const usualTasks = 100

// taskQuery is what `muster tasks` was asked for.
type taskQuery struct {
	all         bool
	fn, state   string
	most        int
	asJSON      bool
	singleTasks bool // and not only counts
}

func newTasks() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tasks [JOB]", Short: "Show the tasks of running jobs, by function and state", Args: cobra.MaximumNArgs(1),
		Long: `Asks the drivers of running jobs, or of the one that is named by its id or name, how many tasks of each function there are,
and where they stand: waiting for others, ready, given to a node that has others to run first, running there, blocked inside
their function, or pausing before they are tried again. DONE and FAILED count the items of a Map one by one, the others the
pieces in which they are given out.
--all, --func and --state list single tasks too, the oldest first; muster why says what one of them waits for.`,
		Example: `  muster tasks
  muster tasks nightly --all
  muster tasks nightly --func simulate --state ready --most 20
  muster tasks nightly --state running --json | jq '.[].tasks[] | select(.ran > 60)'`,
	}
	var q taskQuery
	name := addContext(cmd)
	cmd.Flags().BoolVar(&q.all, "all", false, "list single tasks too")
	cmd.Flags().StringVar(&q.fn, "func", "", "list those of this function")
	cmd.Flags().StringVar(&q.state, "state", "", "list those in this state: "+stateList())
	cmd.Flags().IntVar(&q.most, "most", usualTasks, fmt.Sprintf("list so many of a job, at most %d", protocol.MaxTasks))
	asJSON := addJSON(cmd)
	cmd.ValidArgsFunction = completeFrom(name, jobNames)
	_ = cmd.RegisterFlagCompletionFunc("state", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return strings.Split(stateList(), ", "), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q.asJSON, q.singleTasks = *asJSON, q.all || q.fn != "" || q.state != "" || cmd.Flags().Changed("most")
		if err := q.check(); err != nil {
			return err
		}
		return withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error { return q.run(cmd, r, args) })(cmd, args)
	}
	return cmd
}

func stateList() string {
	var names []string
	for _, s := range protocol.TaskStates {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func (q *taskQuery) check() error {
	switch {
	case q.most < 1 || q.most > protocol.MaxTasks:
		return usageError{fmt.Errorf("--most %d: it must be from 1 to %d", q.most, protocol.MaxTasks)}
	case q.state != "" && !slices.Contains(protocol.TaskStates, protocol.TaskState(q.state)):
		return usageError{fmt.Errorf("--state %q: it is one of %s", q.state, stateList())}
	}
	return nil
}

// jobTasks is what is printed of a job.
type jobTasks struct {
	Job   string `json:"job"`
	Name  string `json:"name,omitempty"`
	Error string `json:"error,omitempty"` // why its driver said nothing
	protocol.TaskList

	label string
}

func (q *taskQuery) run(cmd *cobra.Command, r *reach, args []string) error {
	jobs, err := runningJobs(cmd, r, args)
	if err != nil {
		return err
	}
	list := []jobTasks{}
	for _, j := range jobs {
		t := jobTasks{Job: j.Job, Name: j.Name, label: cmp.Or(j.Name, j.Job)}
		ask := protocol.AskTasks{Job: j.Job, Func: q.fn, State: protocol.TaskState(q.state)}
		if q.singleTasks {
			ask.Most = q.most
		}
		if err := r.Ask(cmd.Context(), protocol.OpListTasks, ask, &t.TaskList); err != nil {
			if len(args) > 0 {
				return err
			}
			t.Error = err.Error()
		}
		list = append(list, t)
	}
	if q.asJSON {
		return printJSON(cmd.OutOrStdout(), list)
	}
	return printTasks(cmd, r, list, q.singleTasks)
}

// runningJobs are those that one may see, or the one that is named.
func runningJobs(cmd *cobra.Command, r *reach, args []string) ([]protocol.JobInfo, error) {
	if len(args) > 0 {
		j, err := findJob(cmd.Context(), r, args[0])
		return []protocol.JobInfo{j}, err
	}
	jobs, err := listJobs(cmd.Context(), r)
	return slices.DeleteFunc(jobs, func(j protocol.JobInfo) bool { return j.State != protocol.JobRunning }), err
}

func printTasks(cmd *cobra.Command, r *reach, list []jobTasks, single bool) error {
	w := cmd.OutOrStdout()
	if len(list) == 0 {
		fmt.Fprintf(w, "no job runs on the cluster of context %s: muster run PACKAGE runs a program on it\n", r.name)
		return nil
	}
	if err := table(w, countRows(list)); err != nil {
		return err
	}
	for _, j := range list {
		if j.Error != "" {
			fmt.Fprintf(w, "%s: %s\n", j.label, j.Error)
		}
	}
	if !single {
		return nil
	}
	nodes, err := listNodes(cmd.Context(), r)
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printSingle(w, list, nodes)
}

func countRows(list []jobTasks) [][]string {
	head := []string{"JOB", "FUNCTION"}
	for _, s := range protocol.TaskStates {
		head = append(head, strings.ToUpper(string(s)))
	}
	rows := [][]string{append(head, "DONE", "FAILED")}
	for _, j := range list {
		for _, c := range j.Counts {
			row := []string{j.label, clip(c.Func, 40)}
			for _, s := range protocol.TaskStates {
				row = append(row, strconv.Itoa(c.States[s]))
			}
			rows = append(rows, append(row, strconv.FormatUint(c.Done, 10), strconv.FormatUint(c.Failed, 10)))
		}
		if len(j.Counts) == 0 && j.Error == "" {
			rows = append(rows, []string{j.label, "no task yet"})
		}
	}
	return rows
}

func printSingle(w io.Writer, list []jobTasks, nodes []protocol.NodeInfo) error {
	rows := [][]string{{"TASK", "FUNCTION", "STATE", "AGE", "NODE", "ATTEMPT", "RAN"}}
	more := 0
	for _, j := range list {
		more += j.More
		for _, t := range j.Tasks {
			fn, ran := clip(t.Func, 40), "-"
			if t.Items {
				fn += " (items)"
			}
			if t.Ran > 0 && t.State != protocol.TaskGiven {
				ran = lasts(seconds(t.Ran))
			}
			rows = append(rows, []string{
				taskName(j.label, t.Task), fn, string(t.State), lasts(seconds(t.Age)), dash(nodeLabel(nodes, t.Node)),
				strconv.Itoa(t.Attempt), ran,
			})
		}
	}
	if err := table(w, rows); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "and %s: --most N lists more, --func and --state fewer\n", plural(more, "other task"))
	}
	return nil
}

// taskName is how one names a task to muster why.
func taskName(job string, task uint64) string { return job + "/" + strconv.FormatUint(task, 10) }

// nodeLabel is a node's name, or its id if others have that name too.
func nodeLabel(nodes []protocol.NodeInfo, id string) string {
	for _, n := range nodes {
		if n.Node == id && !sameName(nodes, n) {
			return n.Name
		}
	}
	return id
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
