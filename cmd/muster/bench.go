package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cmd/muster/internal/bench"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// benchTime bounds the whole of it.
const benchTime = 5 * time.Minute

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure a throw-away cluster on this machine", Args: cobra.NoArgs,
		Long: `Starts a head, two agents and a driver as processes of their own, in a temporary folder and on loopback, measures what
tasks cost, prints it beside what other systems took on the project's own machine of two cores, and stops all of it. It
doesn't touch a cluster that runs. What else the machine does makes the figures worse.

"bare NATS" is the least that four processes can do here by the same way, measured in the same minutes: records of fixed
size, 64 in a message, or 4,096 numbers, go over TLS from a driver through a NATS server to an agent, on to a worker that
calls a function for each, and back by a stream on file storage, without all else that muster does. So it tells how much of
a figure is the machine's, with NATS and TLS, and how much is muster's.`,
		Example: "  muster bench\n  muster bench --json > bench.json",
	}
	asJSON := addJSON(cmd)
	var s bench.Size
	cmd.Flags().IntVar(&s.Tasks, "tasks", 0, "no-op tasks at once (default: 200000)")
	cmd.Flags().IntVar(&s.Items, "items", 0, "items of a Map (default: 10000000)")
	cmd.Flags().IntVar(&s.Calls, "calls", 0, "calls one after the other (default: 2000)")
	cmd.Flags().IntVar(&s.Rounds, "rounds", 0, "rounds, of which the median counts (default: 3)")
	idle := cmd.Flags().Duration("idle", 10*time.Second, "for how long the cluster is watched when it has nothing to do")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), benchTime)
		defer cancel()
		b, err := runBench(ctx, s.WithDefaults(), *idle)
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), b)
		}
		return b.print(cmd.OutOrStdout())
	}
	return cmd
}

// benchRun is a bench that runs, and then its figures as programs read them: durations in nanoseconds, sizes in bytes.
type benchRun struct {
	bench.Figures

	Bare     *bareFigures     `json:"bare"`     // a bare NATS beside the same figures; null where the system lacks what it takes
	Start    time.Duration    `json:"start"`    // of head and agent, to the first result
	Resident map[string]int64 `json:"resident"` // by role, of the largest process of it
	Own      map[string]int64 `json:"own"`      // of that, without pages of files, such as the executable's
	Idle     float64          `json:"idle"`     // of a core, by head and an agent that have nothing to do; 0 if that isn't known
	Size     bench.Size       `json:"size"`
	Cores    int              `json:"cores"`
	Go       string           `json:"go"`

	began   time.Time
	folders []daemon.Folder // the first has the head too
	head    *reach
	bare    *bareNATS
}

// runBench starts the cluster, has a driver measure it, and stops it.
func runBench(ctx context.Context, s bench.Size, idle time.Duration) (b *benchRun, err error) {
	dir, err := os.MkdirTemp("", "muster-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("MUSTER_CONFIG", filepath.Join(dir, "config")); err != nil { // the user's contexts stay as they are
		return nil, err
	}
	b = &benchRun{Size: s, Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), Resident: map[string]int64{}, Own: map[string]int64{}}
	run := b // b is nil after an error
	defer func() { err = errors.Join(err, run.bare.stop(), run.stop(context.WithoutCancel(ctx))) }()
	for _, name := range []string{"one", "two"} {
		f := daemon.Folder(filepath.Join(dir, name))
		if err := f.Prepare(); err != nil {
			return nil, err
		}
		b.folders = append(b.folders, f)
	}
	b.began = time.Now()
	agent, err := b.beginAgent(b.folders[0])
	if err != nil {
		return nil, err
	}
	defer agent.GiveUp() // unless it serves by then
	if err := b.startHead(ctx); err != nil {
		return nil, err
	}
	d, err := startDriver(ctx, b.folders[0], b.Size)
	if err != nil {
		return nil, err
	}
	if b.head, err = dialHead(ctx, b.folders[0]); err == nil {
		err = b.startAgent(ctx, b.folders[0], agent)
	}
	if err != nil {
		_ = d.cmd.Process.Kill()
		return nil, errors.Join(err, d.wait())
	}
	if err := b.drive(ctx, d); err != nil {
		return nil, err
	}
	return b, b.watchIdle(ctx, idle)
}

func (b *benchRun) startHead(ctx context.Context) error {
	f := b.folders[0]
	args := append([]string{"serve", serviceHead, "--state=" + string(f)}, (&headFlags{context: "bench"}).args()...)
	return f.Start(ctx, serviceHead, starting, args...)
}

// beginAgent begins the process of an agent with its share of the cores.
func (b *benchRun) beginAgent(f daemon.Folder) (*daemon.Begun, error) {
	return beginAgent(f, &agentFlags{cpus: max(1, float64(b.Cores/len(b.folders))), gpus: -1})
}

// startAgent makes the folder that of a node, and lets its agent go on.
func (b *benchRun) startAgent(ctx context.Context, f daemon.Folder, begun *daemon.Begun) error {
	if err := enroll(ctx, b.head, f); err != nil {
		return err
	}
	return begun.Go(ctx, starting)
}

// secondAgent starts the other agent.
func (b *benchRun) secondAgent(ctx context.Context) error {
	begun, err := b.beginAgent(b.folders[1])
	if err != nil {
		return err
	}
	defer begun.GiveUp() // unless it serves by then
	return b.startAgent(ctx, b.folders[1], begun)
}

func (b *benchRun) stop(ctx context.Context) error {
	if b.head != nil {
		b.head.Conn.Close()
	}
	var errs []error
	for i := len(b.folders) - 1; i >= 0; i-- {
		for _, name := range []string{serviceAgent, serviceHead} {
			_, err := b.folders[i].Stop(ctx, name, stopping)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// drive lets the driver measure, and looks at the processes when it pauses.
func (b *benchRun) drive(ctx context.Context, d *benchDriver) error {
	err := b.listen(ctx, d)
	if err != nil {
		_ = d.cmd.Process.Kill() // it may have ended
	}
	return errors.Join(err, d.wait())
}

func (b *benchRun) listen(ctx context.Context, d *benchDriver) error {
	lines := bufio.NewScanner(d.out)
	for lines.Scan() {
		var said driverSays
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			return fmt.Errorf("the driver says %q: %w", clip(lines.Text(), 200), err)
		}
		if said.Pause == "" {
			b.Figures = said.Figures
			b.Bare = b.bare.figures()
			return nil
		}
		if err := b.paused(ctx, d, &said); err != nil {
			return err
		}
		if _, err := d.in.Write([]byte("\n")); err != nil {
			return fmt.Errorf("let the driver go on: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the driver ended before it had measured all")
}

// paused does what is to be done while the driver pauses.
func (b *benchRun) paused(ctx context.Context, d *benchDriver, said *driverSays) (err error) {
	switch said.Pause {
	case bench.First:
		b.Start = time.Unix(0, said.Time).Sub(b.began)
		if err := b.secondAgent(ctx); err != nil {
			return err
		}
		b.bare, err = startBare(ctx, b.folders[0])
		return err
	case bench.Resident:
		b.measureResident(d.cmd.Process.Pid)
		return nil
	default:
		return b.bare.round(said.Pause, b.Size)
	}
}

// watchIdle notes how much of a core the head and an agent take when nothing runs.
func (b *benchRun) watchIdle(ctx context.Context, during time.Duration) error {
	used := func() (sum time.Duration) {
		for _, name := range []string{serviceHead, serviceAgent} {
			if r, running, err := b.folders[0].Running(name); err == nil && running {
				sum += cpuTime(r.PID)
			}
		}
		return sum
	}
	before, began := used(), time.Now()
	select {
	case <-time.After(during):
	case <-ctx.Done():
		return ctx.Err()
	}
	b.Idle = float64(used()-before) / float64(time.Since(began))
	return nil
}
