package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cmd/muster/internal/bench"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// driverSays is a line of the bench's driver: where it pauses until it gets one, or its figures.
type driverSays struct {
	Pause   bench.Pause   `json:"pause,omitempty"`
	Time    int64         `json:"time,omitempty"` // nanoseconds since 1970
	Figures bench.Figures `json:"figures,omitzero"`
}

// newBenchDriver is the driver of muster bench, and by muster.Main its worker.
func newBenchDriver() *cobra.Command {
	cmd := &cobra.Command{Use: "bench-driver SIZE", Hidden: true, Args: cobra.ExactArgs(1)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var s bench.Size
		if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
			return usageError{fmt.Errorf("read the size: %w", err)}
		}
		muster.Main(func(ctx context.Context) error { return driveBench(ctx, s, os.Stdin, os.Stdout) })
		return nil
	}
	return cmd
}

func driveBench(ctx context.Context, s bench.Size, in io.Reader, out io.Writer) error {
	answers, say := bufio.NewReader(in), json.NewEncoder(out)
	f, err := bench.Drive(ctx, s, func(p bench.Pause) error {
		if err := say.Encode(driverSays{Pause: p, Time: time.Now().UnixNano()}); err != nil {
			return err
		}
		_, err := answers.ReadString('\n')
		return err
	})
	if err != nil {
		return err
	}
	return say.Encode(driverSays{Figures: f})
}

// benchDriver is the driver's process.
type benchDriver struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr *strings.Builder
}

func startDriver(ctx context.Context, f daemon.Folder, s bench.Size) (*benchDriver, error) {
	exe, err := f.Executable()
	if err != nil {
		return nil, err
	}
	size, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	d := &benchDriver{cmd: exec.CommandContext(ctx, exe, "bench-driver", string(size)), stderr: &strings.Builder{}}
	d.cmd.Env = append(os.Environ(), envAddr+"=bench", "MUSTER_PROGRESS=off", "MUSTER_JOB=", envBinaries+"=", envFiles+"=")
	d.cmd.Stderr = d.stderr
	if d.in, err = d.cmd.StdinPipe(); err == nil {
		d.out, err = d.cmd.StdoutPipe()
	}
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the driver: %w", err)
	}
	return d, nil
}

// wait waits for the driver's end. What it wrote to standard error is the reason if it failed.
func (d *benchDriver) wait() error {
	_ = d.in.Close() // it reads nothing more
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("the driver: %w: %s", err, clip(d.stderr.String(), 500))
	}
	return nil
}
