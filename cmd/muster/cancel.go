package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

func newCancel() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cancel JOB...", Short: "End jobs on the cluster", Args: cobra.MinimumNArgs(1),
		Long: `Ends jobs by their ids or names: their tasks are cancelled at once, and their drivers learn of it within some seconds,
and fail. What a job with a name has recorded stays for when it is run again.`,
		Example: "  muster cancel nightly",
	}
	name := addContext(cmd)
	cmd.ValidArgsFunction = completeFrom(name, jobNames)
	cmd.RunE = withCluster(name, cancelJobs)
	return cmd
}

func cancelJobs(cmd *cobra.Command, r *reach, args []string) error {
	return eachJob(cmd, r, args, protocol.OpCancelJob, "cancelled", nil)
}

// removeClusterJobs also removes the journals that this machine's drivers have kept under those names: the next run would
// resume from them.
func removeClusterJobs(cmd *cobra.Command, r *reach, args []string) error {
	return eachJob(cmd, r, args, protocol.OpRemoveJob, "removed", func(j protocol.JobInfo) error {
		if j.Name == "" || j.Owner != r.id.Name {
			return nil
		}
		return removeJournal(cmd.OutOrStdout(), j.Name)
	})
}

// removeJournal removes this machine's journal of a job, if there is one and no process has it open.
func removeJournal(w io.Writer, name string) error {
	dir, err := jobsDir("")
	if err != nil {
		return err
	}
	var held *journal.HeldError
	switch err := journal.Remove(dir, name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &held):
		return fmt.Errorf("the job's journal on this machine stays, and the next run resumes from it: %w; then muster job rm --local %s",
			err, name)
	case err != nil:
		return fmt.Errorf("the job's journal on this machine: %w", err)
	}
	fmt.Fprintln(w, "removed this machine's journal of", name, "too")
	return nil
}

// eachJob asks for an operation on each of the jobs, says what was done, and goes on with then, if there is one.
func eachJob(cmd *cobra.Command, r *reach, args []string, op, done string, then func(protocol.JobInfo) error) error {
	var errs []error
	for _, name := range args {
		j, err := findJob(cmd.Context(), r, name)
		if err == nil {
			err = r.Ask(cmd.Context(), op, protocol.JobID{Job: j.Job}, nil)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintln(cmd.OutOrStdout(), done, jobLabel(j))
		if then != nil {
			errs = append(errs, then(j))
		}
	}
	return errors.Join(errs...)
}
