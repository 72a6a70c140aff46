package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cmd/muster/internal/bench"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/cmd/muster/internal/yardstick"
)

// newYardstick is what the processes of a bare NATS are started by.
func newYardstick() *cobra.Command {
	cmd := &cobra.Command{Use: "yardstick ROLE", Hidden: true, Args: cobra.ExactArgs(1)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		return yardstick.Run(cmd.Context(), args[0], yardstickBy(exe), os.Stdin, os.Stdout)
	}
	return cmd
}

func yardstickBy(exe string) yardstick.Command {
	return func(ctx context.Context, role string) *exec.Cmd {
		return exec.CommandContext(ctx, exe, "yardstick", role) //nolint:gosec // this program itself
	}
}

// bareFigures are a bare NATS's beside those of bench.Figures that it has.
type bareFigures struct {
	CallP50 time.Duration `json:"call_p50"`
	CallP99 time.Duration `json:"call_p99"`
	Tasks   float64       `json:"tasks"` // a second
	Items   float64       `json:"items"` // a second
}

// bareNATS is measured in turn with muster, so that both have the same of the machine. Its methods may be called on nil, for
// a system that lacks what it takes.
type bareNATS struct {
	sticks *yardstick.Yardstick
	rounds map[yardstick.Kind][]yardstick.Result
}

func startBare(ctx context.Context, f daemon.Folder) (*bareNATS, error) {
	if !yardstick.Supported {
		return nil, nil
	}
	exe, err := f.Executable()
	if err != nil {
		return nil, err
	}
	sticks, err := yardstick.Start(ctx, yardstickBy(exe), filepath.Join(string(f), "bare"))
	if err != nil {
		return nil, err
	}
	return &bareNATS{sticks, map[yardstick.Kind][]yardstick.Result{}}, nil
}

// round measures what muster has just been measured at, with as much of it.
func (n *bareNATS) round(what bench.Pause, s bench.Size) error {
	if n == nil {
		return nil
	}
	kind, count := yardstick.Calls, s.CallsEach()
	switch what {
	case bench.Tasks:
		kind, count = yardstick.Tasks, s.Tasks
	case bench.Items:
		kind, count = yardstick.Items, s.Items
	}
	r, err := n.sticks.Measure(kind, count)
	n.rounds[kind] = append(n.rounds[kind], r)
	return err
}

// figures are the medians of the rounds.
func (n *bareNATS) figures() *bareFigures {
	if n == nil {
		return nil
	}
	calls := n.rounds[yardstick.Calls]
	return &bareFigures{
		CallP50: middle(calls, func(r yardstick.Result) time.Duration { return r.P50 }),
		CallP99: middle(calls, func(r yardstick.Result) time.Duration { return r.P99 }),
		Tasks:   middle(n.rounds[yardstick.Tasks], func(r yardstick.Result) float64 { return r.Rate }),
		Items:   middle(n.rounds[yardstick.Items], func(r yardstick.Result) float64 { return r.Rate }),
	}
}

func middle[T cmp.Ordered](rounds []yardstick.Result, of func(yardstick.Result) T) T {
	all := make([]T, 0, len(rounds))
	for _, r := range rounds {
		all = append(all, of(r))
	}
	return bench.Median(all)
}

func (n *bareNATS) stop() error {
	if n == nil {
		return nil
	}
	return n.sticks.Stop()
}

// cells are the figures for people.
func (f *bareFigures) cells() (p50, p99, tasks, items string) {
	if f == nil {
		return "-", "-", "-", "-"
	}
	return micros(f.CallP50), micros(f.CallP99), fmt.Sprint(thousands(f.Tasks), " /s"), fmt.Sprint(thousands(f.Items), " /s")
}
