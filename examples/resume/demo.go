package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// runsFile names a file to which each run of the function adds a byte: the demo counts them, also those of a process
// that it has killed.
const runsFile = "RESUME_RUNS"

var openRuns = sync.OnceValues(func() (*os.File, error) {
	name := os.Getenv(runsFile)
	if name == "" {
		return nil, nil
	}
	return os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
})

func countRun() error {
	f, err := openRuns()
	if f == nil {
		return err
	}
	_, err = f.Write([]byte{1})
	return err
}

// demonstration is a job in a folder of its own, and a count of its runs.
type demonstration struct {
	w     io.Writer
	dir   string
	args  []string
	tasks int64
}

// runDemo runs the sweep once as it is, and once as a job that is killed after a third and after two thirds of it.
func runDemo(w io.Writer, args []string) error {
	sweeps, err := plan(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "resume-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demonstration{w: w, dir: dir, args: args, tasks: int64(len(sweeps))}
	fmt.Fprintf(w, "%d tasks\n", d.tasks)
	whole, _, err := d.life("", math.MaxInt64)
	if err != nil {
		return fmt.Errorf("the uninterrupted run: %w", err)
	}
	fmt.Fprintln(w, "uninterrupted: done")
	before, err := d.runs()
	if err != nil {
		return err
	}
	var resumed string
	for life, killAt := range []int64{before + d.tasks/3, before + 2*d.tasks/3, math.MaxInt64} {
		out, killed, err := d.life("demo", killAt)
		if err != nil {
			return fmt.Errorf("life %d: %w", life+1, err)
		}
		ran, err := d.runs()
		if err != nil {
			return err
		}
		how := "to its end"
		if killed {
			how = "killed by SIGKILL"
		}
		fmt.Fprintf(w, "life %d of the job: %s, %d runs of the function so far\n", life+1, how, ran-before)
		resumed = out
	}
	ran, err := d.runs()
	if err != nil {
		return err
	}
	repeated := ran - before - d.tasks
	fmt.Fprintf(w, "%d tasks took %d runs: %d were repeated, those that the kills had caught unrecorded (%.1f %%)\n",
		d.tasks, ran-before, repeated, 100*float64(repeated)/float64(d.tasks))
	if resumed != whole {
		return fmt.Errorf("the results differ from those of the uninterrupted run:\n%s\nwant\n%s", resumed, whole)
	}
	fmt.Fprintf(w, "the results are those of the uninterrupted run:\n%s", whole)
	return nil
}

// life runs the program and kills it once the function has run so often.
func (d *demonstration) life(job string, killAt int64) (out string, killed bool, err error) {
	exe, err := os.Executable()
	if err != nil {
		return "", false, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(exe, d.args...)
	cmd.Env = append(os.Environ(), runsFile+"="+filepath.Join(d.dir, "runs"), "RESUME_DIR="+d.dir, "MUSTER_JOB="+job)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return "", false, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil && !killed {
				err = fmt.Errorf("%w: %s", err, stderr.String())
			}
			if killed && errors.As(err, new(*exec.ExitError)) {
				err = nil
			}
			return stdout.String(), killed, err
		case <-tick.C:
			ran, err := d.runs()
			if err != nil || ran < killAt || killed {
				continue
			}
			killed = cmd.Process.Kill() == nil
		}
	}
}

// runs is how often the function has run so far.
func (d *demonstration) runs() (int64, error) {
	info, err := os.Stat(filepath.Join(d.dir, "runs"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
