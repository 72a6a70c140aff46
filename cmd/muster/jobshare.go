package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

func newJobShare(w where) *cobra.Command {
	cmd := &cobra.Command{
		Use: "share JOB", Short: "Say what a job on the cluster may have, among its owner's jobs", Args: cobra.ExactArgs(1),
		Long: `Changes the weight of a job among those of its owner, or how much its tasks may have at once; it takes effect within
a second, and stays when a job with a name is run again. How much all of them have is their owner's share: muster user.`,
		Example: `  muster job share nightly --weight 3    three times what the owner's other jobs have
  muster job share nightly --cpus 8      at most 8 CPUs
  muster job share nightly --gpus 1 --memory 32GiB
  muster job share nightly --cpus 0      no limit again`,
		ValidArgsFunction: w.complete,
	}
	weight := cmd.Flags().Float64("weight", 1, "of the job among its owner's")
	limits := addLimits(cmd, "its")
	cmd.RunE = withCluster(w.context, func(cmd *cobra.Command, r *reach, args []string) error {
		change, err := limits.change(cmd)
		if err != nil {
			return err
		}
		ask := protocol.ShareJob{ChangeLimits: change}
		if cmd.Flags().Changed("weight") {
			if ask.Weight = weight; *weight <= 0 {
				return usageError{fmt.Errorf("--weight %v: a weight is above 0", *weight)}
			}
		}
		if ask.Weight == nil && ask.IsZero() {
			return usageError{errors.New("say what is to change: --weight, --cpus, --gpus, --memory or --resource")}
		}
		j, err := findJob(cmd.Context(), r, args[0])
		if err != nil {
			return err
		}
		ask.Job = j.Job
		if err := r.Ask(cmd.Context(), protocol.OpShareJob, ask, &j.Share); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "job %s: %s\n", jobLabel(j), shareText(j.Share))
		return nil
	})
	return cmd
}

func shareText(s protocol.JobShare) string {
	return fmt.Sprintf("weight %s among its owner's jobs, %s", number(s.Weight, "1"), limitsText(&s.Limits))
}
