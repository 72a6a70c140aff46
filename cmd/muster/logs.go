package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/protocol"
)

// logPart is how many bytes of a log a node is asked for at once.
const logPart = 256 << 10

func newLogs() *cobra.Command {
	cmd := &cobra.Command{
		Use: "logs JOB", Short: "Show what a job's workers have written, on every node", Args: cobra.ExactArgs(1),
		Long: `Fetches what the job's functions wrote to standard output and standard error, from the nodes where it runs: a node
keeps the last 128 MiB of a job for as long as the job runs. With more than one node, each line begins with the node's name.
Of a job that was submitted, what its driver writes is there too: its lines begin with driver.`,
		Example: "  muster logs nightly\n  muster logs -f nightly --node worker-3",
	}
	name := addContext(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with what comes, until the job ends or Ctrl-C")
	node := cmd.Flags().String("node", "", "of this node alone, by its id or name")
	cmd.ValidArgsFunction = completeFrom(name, jobNames)
	_ = cmd.RegisterFlagCompletionFunc("node", func(cmd *cobra.Command, _ []string, begin string) ([]string, cobra.ShellCompDirective) {
		return completeFrom(name, nodeNames)(cmd, nil, begin)
	})
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		l := &logReader{r: r, out: cmd.OutOrStdout(), away: awayTo(cmd.ErrOrStderr()), from: map[string]int64{}}
		var err error
		if l.job, err = findJob(cmd.Context(), r, args[0]); err != nil {
			return err
		}
		l.driver = driverLog{r: r, out: l.out, mark: "driver: "}
		return l.run(cmd.Context(), *node, *follow)
	})
	return cmd
}

func nodeNames(ctx context.Context, r *reach) ([]string, error) {
	nodes, err := listNodes(ctx, r)
	var names []string
	for _, n := range nodes {
		names = append(names, n.Node+"\t"+n.Name)
	}
	return names, err
}

// logReader reads a job's log from the nodes that have a part of it.
type logReader struct {
	r    *reach
	out  io.Writer
	away func(error) // repeat's
	job  protocol.JobInfo
	from map[string]int64 // how far each node's log is read

	driver driverLog // of a submitted one
}

func (l *logReader) run(ctx context.Context, node string, follow bool) error {
	err := repeat(ctx, follow, following, l.away, func(ctx context.Context) error {
		nodes, err := listNodes(ctx, l.r)
		if err != nil {
			return err
		}
		if node != "" {
			one, err := findNode(nodes, node)
			if err != nil {
				return err
			}
			nodes = []protocol.NodeInfo{one}
		}
		if err := l.readAll(ctx, nodes); err != nil {
			return err
		}
		if s := l.job.Submitted; s != nil && node == "" {
			if err := l.driver.read(ctx, s); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		return l.stillRuns(ctx)
	})
	if errors.As(err, new(jobEnded)) {
		return nil
	}
	if err == nil && len(l.from) == 0 && l.driver.attempt == 0 && ctx.Err() == nil {
		return fmt.Errorf("no node has a log of job %s: it is %s, and nodes keep logs while a job's workers run", jobLabel(l.job), l.job.State)
	}
	return err
}

// jobEnded ends the following of a job.
type jobEnded struct{}

func (jobEnded) Error() string { return "the job has ended" }

func (l *logReader) stillRuns(ctx context.Context) error {
	var j protocol.JobInfo
	var err error
	if s := l.job.Submitted; s != nil {
		j, err = submittedJob(ctx, l.r, s.ID)
	} else {
		j, err = findJob(ctx, l.r, l.job.Job)
	}
	if err != nil {
		return err
	}
	l.job = j
	if !isLive(j) {
		if s := j.Submitted; s != nil { // what it has written since
			if err := l.driver.read(ctx, s); err != nil {
				return err
			}
		}
		return jobEnded{}
	}
	return nil
}

func (l *logReader) readAll(ctx context.Context, nodes []protocol.NodeInfo) error {
	alive := countAlive(nodes)
	for _, n := range nodes {
		if !n.Alive {
			continue
		}
		mark := ""
		if alive > 1 {
			mark = n.Name
			if sameName(nodes, n) {
				mark = n.Node
			}
			mark += ": "
		}
		if err := l.readNode(ctx, n.Node, mark); err != nil {
			return err
		}
	}
	return nil
}

func sameName(nodes []protocol.NodeInfo, n protocol.NodeInfo) bool {
	for _, other := range nodes {
		if other.Node != n.Node && other.Name == n.Name {
			return true
		}
	}
	return false
}

// readNode reads what a node has that wasn't read yet. One that doesn't answer, or has no worker of the job, has none.
func (l *logReader) readNode(ctx context.Context, node, mark string) error {
	for {
		var part agent.LogPart
		ask := protocol.AskLog{Job: l.job.Job, Node: node, Offset: l.from[node], Most: logPart}
		err := l.r.Ask(ctx, protocol.OpReadLog, ask, &part)
		switch r := (*protocol.Refusal)(nil); {
		case errors.As(err, &r) && r.Code == protocol.CodeUnknown:
			return nil
		case err != nil:
			return err
		}
		whole := wholeLines(part.Data, part.Offset+int64(len(part.Data)) == part.End)
		if err := printLines(l.out, mark, part.Data[:whole]); err != nil {
			return err
		}
		l.from[node] = part.Offset + int64(whole)
		if whole == 0 || l.from[node] >= part.End {
			return nil
		}
	}
}

// refused reports whether an error is an answer, and not that there was none.
func refused(err error) bool {
	return errors.As(err, new(*protocol.Refusal)) || errors.As(err, new(jobEnded)) || errors.As(err, new(driverEnded))
}
