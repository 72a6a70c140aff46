package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/protocol"
)

// progressEvery is how often what is attached to says how far it is, if that has changed.
const progressEvery = 5 * time.Second

func newAttach() *cobra.Command {
	cmd := &cobra.Command{
		Use: "attach JOB", Short: "Follow a program that was submitted, and end with its exit code", Args: cobra.ExactArgs(1),
		Long: `Shows what the driver of a submission writes, beginning with what its node still has of it, and on standard error how far
its tasks are and when it is started again. It ends when the driver has ended for good, with the exit code of that: 1 if it has
none, since it was cancelled or lost too often. Ctrl-C ends the following, and nothing else.

It works for what has ended, too: a node keeps the output of the last 16 drivers, the head the last 8 KiB of each.`,
		Example: "  muster attach nightly",
	}
	name := addContext(cmd)
	cmd.ValidArgsFunction = completeFrom(name, submittedNames)
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, args []string) error {
		j, err := findJob(cmd.Context(), r, args[0])
		if err != nil {
			return err
		}
		if j.Submitted == nil {
			return fmt.Errorf("job %s wasn't submitted: its driver is process %d on %s; muster logs -f %s follows what its functions print",
				jobLabel(j), j.PID, j.Host, cmp.Or(j.Name, j.Job))
		}
		a := &attached{log: driverLog{r: r, out: cmd.OutOrStdout()}, stderr: cmd.ErrOrStderr()}
		return a.follow(cmd.Context(), r, j)
	})
	return cmd
}

// submittedNames is what submissions are called, for completion.
func submittedNames(ctx context.Context, r *reach) ([]string, error) {
	jobs, err := listJobs(ctx, r)
	var names []string
	for _, j := range jobs {
		if j.Submitted != nil {
			names = append(names, j.Submitted.Name)
		}
	}
	return names, err
}

// submittedJob is the job of a submission, with what that wrote last.
func submittedJob(ctx context.Context, r *reach, id string) (protocol.JobInfo, error) {
	var list []protocol.JobInfo
	if err := r.Ask(ctx, protocol.OpListJobs, protocol.JobID{Job: id}, &list); err != nil {
		return protocol.JobInfo{}, err
	}
	for _, j := range list {
		if j.Submitted != nil && j.Submitted.ID == id {
			return j, nil
		}
	}
	return protocol.JobInfo{}, &protocol.Refusal{
		Code: protocol.CodeUnknown, Text: "submission " + id + " isn't there any more: it was removed, or its name was given to another",
	}
}

// attached follows a submission.
type attached struct {
	log    driverLog
	stderr io.Writer
	said   string // how far it was
	at     time.Time
}

// driverEnded ends the following.
type driverEnded struct{ code int }

func (driverEnded) Error() string { return "the driver has ended" }

func (a *attached) follow(ctx context.Context, r *reach, j protocol.JobInfo) error {
	id, name := j.Submitted.ID, j.Submitted.Name
	err := repeat(ctx, true, following, awayTo(a.stderr), func(ctx context.Context) error {
		j, err := submittedJob(ctx, r, id)
		if err != nil {
			return err
		}
		return a.look(ctx, j)
	})
	if end := (driverEnded{}); errors.As(err, &end) {
		if end.code == 0 {
			return nil
		}
		return codeError(end.code)
	}
	if err == nil {
		fmt.Fprintf(a.stderr, "muster: detached from %s, which goes on: muster attach %s follows it again, muster cancel %s ends it\n",
			name, name, name)
	}
	return err
}

// look shows what is new.
func (a *attached) look(ctx context.Context, j protocol.JobInfo) error {
	s := j.Submitted
	if a.log.attempt > 0 && (s.Attempt > a.log.attempt || s.State == protocol.DriverWaiting) && a.log.attempt != a.log.lost {
		a.log.lost = a.log.attempt
		fmt.Fprintf(a.stderr, "muster: the driver of %s is to be started again: %s\n", s.Name, s.Reason)
	}
	if err := a.log.read(ctx, s); err != nil {
		return err
	}
	if s.State.Live() {
		a.progress(j)
		return nil
	}
	if s.State != protocol.DriverDone {
		fmt.Fprintf(a.stderr, "muster: %s is %s: %s\n", s.Name, s.State, s.Reason)
	}
	switch {
	case s.State == protocol.DriverDone:
		return driverEnded{0}
	case s.ExitCode > 0:
		return driverEnded{s.ExitCode}
	}
	return driverEnded{exitFailed}
}

// progress says how far the tasks are, or why nothing goes on.
func (a *attached) progress(j protocol.JobInfo) {
	s, l := j.Submitted, j.Load
	text := ""
	switch {
	case s.State == protocol.DriverWaiting && s.Attempt == 0 && s.Reason != "":
		text = "waits: " + s.Reason
	case l.Waiting+l.Running > 0 || l.Done+l.Failed > 0:
		text = fmt.Sprintf("%s tasks done, %d running", progressOf(l), l.Running)
		if l.Failed > 0 {
			text += fmt.Sprintf(", %d failed", l.Failed)
		}
	}
	if text == "" || text == a.said || time.Since(a.at) < progressEvery {
		return
	}
	a.said, a.at = text, time.Now()
	fmt.Fprintf(a.stderr, "muster: %s: %s\n", s.Name, text)
}

// driverLog reads what the driver of a submission writes, attempt by attempt.
type driverLog struct {
	r       *reach
	out     io.Writer
	mark    string
	id      string
	node    string
	attempt int   // that is read; 0 for none yet
	from    int64 // how far
	lost    int   // an attempt of which it was said that it is over
}

// read prints what is new, up to the end of what there is.
func (d *driverLog) read(ctx context.Context, s *protocol.Submission) error {
	if d.id != s.ID || d.attempt < s.Attempt {
		if d.attempt > 0 && d.id == s.ID {
			if err := d.readPart(ctx); err != nil { // the rest of the attempt before, if its node is there
				return err
			}
		}
		d.id, d.node, d.attempt, d.from = s.ID, s.Node, s.Attempt, 0
	}
	if d.attempt == 0 {
		return nil
	}
	if err := d.readPart(ctx); err != nil {
		return err
	}
	if d.from == 0 && !s.State.Live() && s.Tail != "" { // its node is gone, or has forgotten it
		return printLines(d.out, d.mark, []byte(s.Tail))
	}
	return nil
}

func (d *driverLog) readPart(ctx context.Context) error {
	for {
		var part agent.LogPart
		ask := protocol.AskLog{Job: d.id, Attempt: d.attempt, Node: d.node, Offset: d.from, Most: logPart}
		err := d.r.Ask(ctx, protocol.OpReadLog, ask, &part)
		switch r := (*protocol.Refusal)(nil); {
		case errors.As(err, &r) && r.Code == protocol.CodeUnknown:
			return nil
		case err != nil:
			return err
		}
		whole := wholeLines(part.Data, part.Offset+int64(len(part.Data)) == part.End)
		if err := printLines(d.out, d.mark, part.Data[:whole]); err != nil {
			return err
		}
		d.from = part.Offset + int64(whole)
		if whole == 0 || d.from >= part.End {
			return nil
		}
	}
}

// submittedRows are what is shown of a job's submission.
func submittedRows(s *protocol.Submission) [][]string {
	text := "submitted " + s.At.Local().Format(time.DateTime)
	if s.Attempt > 0 {
		text += fmt.Sprintf(", attempt %d on node %s", s.Attempt, s.Node)
	}
	rows := [][]string{{"submission", s.ID + ", " + text}}
	if s.Reason != "" {
		rows = append(rows, []string{"reason", clip(s.Reason, 300)})
	}
	if !s.State.Live() && s.ExitCode >= 0 {
		rows = append(rows, []string{"exit code", fmt.Sprint(s.ExitCode)})
	}
	return rows
}
