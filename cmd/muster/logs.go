package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// nodeAnswers is how long a node may take to answer, and logPart how many bytes of a log it is asked for at once.
const (
	nodeAnswers = 3 * time.Second
	logPart     = 256 << 10
)

func newLogs() *cobra.Command {
	cmd := &cobra.Command{
		Use: "logs JOB", Short: "Show what a job's workers have written, on every node", Args: cobra.ExactArgs(1),
		Long: `Fetches what the job's functions wrote to standard output and standard error, from the nodes where it runs: a node
keeps the last 128 MiB of a job for as long as the job runs. With more than one node, each line begins with the node's name.
It takes an admin's context.`,
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
		if r.id.Role != join.RoleAdmin {
			return fmt.Errorf("context %s is of a %s: nodes answer admins only; use an admin's context by --context", r.name, r.id.Role)
		}
		l := &logReader{r: r, out: cmd.OutOrStdout(), from: map[string]int64{}}
		var err error
		if l.job, err = findJob(cmd.Context(), r, args[0]); err != nil {
			return err
		}
		return l.run(cmd.Context(), *node, *follow)
	})
	return cmd
}

func nodeNames(ctx context.Context, r *reach) ([]string, error) {
	nodes, err := listNodes(ctx, r)
	var names []string
	for _, n := range nodes {
		names = append(names, n.Node)
	}
	return names, err
}

// logReader reads a job's log from the nodes that have a part of it.
type logReader struct {
	r    *reach
	out  io.Writer
	job  protocol.JobInfo
	from map[string]int64 // how far each node's log is read
}

func (l *logReader) run(ctx context.Context, node string, follow bool) error {
	err := repeat(ctx, follow, following, func(ctx context.Context) error {
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
		if err := l.readAll(ctx, nodes); err != nil || !follow {
			return err
		}
		return l.stillRuns(ctx)
	})
	if errors.As(err, new(jobEnded)) {
		return nil
	}
	if err == nil && len(l.from) == 0 && ctx.Err() == nil {
		return fmt.Errorf("no node has a log of job %s: it is %s, and nodes keep logs while a job's workers run", jobLabel(l.job), l.job.State)
	}
	return err
}

// jobEnded ends the following of a job.
type jobEnded struct{}

func (jobEnded) Error() string { return "the job has ended" }

func (l *logReader) stillRuns(ctx context.Context) error {
	j, err := findJob(ctx, l.r, l.job.Job)
	if err == nil && j.State != protocol.JobRunning {
		return jobEnded{}
	}
	return err
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
		err := askNode(ctx, l.r, node, "logs", agent.LogRequest{Job: l.job.Job, Offset: l.from[node], Most: logPart}, &part)
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

// askNode asks a node's agent for something.
func askNode(ctx context.Context, r *reach, node, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nodeAnswers)
	defer cancel()
	msg, err := r.Conn.RequestWithContext(ctx, protocol.NodeSubject(node, op), body)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("ask node %s for %s: its agent isn't connected: see muster nodes: %w", node, op, err)
	case err != nil:
		return fmt.Errorf("ask node %s for %s: no answer; see muster nodes: %w", node, op, err)
	}
	reply := struct {
		Error *protocol.Refusal `json:"error"`
		Body  any               `json:"body"`
	}{Body: out}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return fmt.Errorf("ask node %s for %s: its answer makes no sense; are the versions the same? %w", node, op, err)
	}
	if reply.Error != nil {
		return reply.Error
	}
	return nil
}

// refused reports whether an error is an answer, and not that there was none.
func refused(err error) bool {
	return errors.As(err, new(*protocol.Refusal)) || errors.As(err, new(jobEnded))
}
