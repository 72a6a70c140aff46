package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/musterrun/muster/protocol"
)

func newTop() *cobra.Command {
	cmd := &cobra.Command{
		Use: "top", Short: "Watch the nodes and the jobs of the cluster", Args: cobra.NoArgs,
		Long: `Shows nodes and running jobs, again and again until Ctrl-C: on a terminal in place, else one table below the other.
While the head is away it says so, and goes on when it is back.`,
		Example: "  muster top\n  muster top --once",
	}
	name := addContext(cmd)
	once := cmd.Flags().Bool("once", false, "show it once")
	every := cmd.Flags().Duration("every", time.Second, "how often")
	cmd.RunE = withCluster(name, func(cmd *cobra.Command, r *reach, _ []string) error {
		if *every < 100*time.Millisecond {
			return usageError{fmt.Errorf("--every %v: it must be 100ms or more", *every)}
		}
		file, _ := cmd.OutOrStdout().(*os.File)
		s := screen{w: cmd.OutOrStdout(), inPlace: !*once && file != nil && term.IsTerminal(int(file.Fd()))}
		return repeat(cmd.Context(), !*once, *every, func(error) {}, func(ctx context.Context) error {
			text, err := overview(ctx, r)
			if err != nil {
				text = fmt.Sprintf("muster: %v\n", err)
				if *once {
					return err
				}
			}
			return s.show(text)
		})
	})
	return cmd
}

// overview is the cluster's state as text.
func overview(ctx context.Context, r *reach) (string, error) {
	nodes, err := listNodes(ctx, r)
	if err != nil {
		return "", err
	}
	jobs, err := listJobs(ctx, r)
	if err != nil {
		return "", err
	}
	var free, all float64
	var live []protocol.JobInfo
	for _, n := range nodes {
		if n.Alive {
			free, all = free+n.FreeCPU, all+n.CPUs
		}
	}
	for _, j := range jobs {
		if isLive(j) || j.State == protocol.JobOrphaned {
			live = append(live, j)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  context %s: %s, %s of %s in use, %s\n\n", time.Now().Format(time.TimeOnly), r.name,
		plural(countAlive(nodes), "node"), amount(all-free), cpus(all), plural(len(live), "job"))
	if err := table(&b, nodeRows(nodes)); err != nil {
		return "", err
	}
	if len(live) > 0 {
		fmt.Fprintln(&b)
		if err := table(&b, jobRows(live)); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// screen shows texts, each in the place of the one before or below it.
type screen struct {
	w       io.Writer
	inPlace bool
}

const (
	homeAndClear = "\x1b[H\x1b[J"
	clearLine    = "\x1b[K\n"
)

func (s *screen) show(text string) error {
	if s.inPlace {
		text = homeAndClear + string(bytes.ReplaceAll([]byte(text), []byte("\n"), []byte(clearLine)))
	} else {
		text += "\n"
	}
	_, err := io.WriteString(s.w, text)
	return err
}
