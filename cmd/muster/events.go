package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

// following is how often the head is asked for what is new.
const following = 500 * time.Millisecond

func newEvents() *cobra.Command {
	cmd := &cobra.Command{
		Use: "events", Short: "Show what has happened on the cluster: nodes and jobs that came and went", Args: cobra.NoArgs,
		Long:    "Shows the last 1,000 events since the head was started, oldest first. With --json, each is a line.",
		Example: "  muster events\n  muster events -f   and what comes, until Ctrl-C",
	}
	name, asJSON := addContext(cmd), addJSON(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with what comes, until Ctrl-C")
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		var last protocol.ClusterEvent
		return repeat(cmd.Context(), *follow, following, awayTo(cmd.ErrOrStderr()), func(ctx context.Context) error {
			var all []protocol.ClusterEvent
			if err := r.Ask(ctx, protocol.OpEvents, nil, &all); err != nil {
				return err
			}
			for _, e := range after(all, last) {
				if err := printEvent(cmd.OutOrStdout(), e, *asJSON); err != nil {
					return err
				}
				last = e
			}
			return nil
		})
	})
	return cmd
}

// after is the events behind the last one that is known; all of them, if that is not among them any more.
func after(all []protocol.ClusterEvent, last protocol.ClusterEvent) []protocol.ClusterEvent {
	for i := len(all) - 1; i >= 0; i-- {
		if e := all[i]; e.Time.Equal(last.Time) && e.Kind == last.Kind && e.Text == last.Text {
			return all[i+1:]
		}
	}
	return all
}

func printEvent(w io.Writer, e protocol.ClusterEvent, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(e)
	}
	_, err := fmt.Fprintf(w, "%s  %-16s  %s\n", e.Time.Local().Format(time.DateTime), e.Kind, clip(e.Text, 300))
	return err
}
