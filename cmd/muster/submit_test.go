//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// going is a program that says what it has, and ends as its argument says once there is a file.
const going = `package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/musterrun/muster"
)

var Double = muster.Func("double", func(_ context.Context, n int) (int, error) {
	fmt.Println("doubling", n)
	return 2 * n, nil
})

var Wait = muster.Func("wait", func(ctx context.Context, path string) (int, error) {
	for ctx.Err() == nil {
		if _, err := os.Stat(path); err == nil {
			return 0, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0, ctx.Err()
})

func main() {
	muster.Main(func(ctx context.Context) error {
		data, _ := os.ReadFile("data/a.txt")
		v, err := Double.Call(ctx, 21)
		fmt.Println(string(data), os.Getenv("GREETING"), v, err, os.Getenv("MUSTER_JOB") == "")
		if _, err := Wait.Call(ctx, os.Args[2]); err != nil {
			return err
		}
		code, err := strconv.Atoi(os.Args[1])
		if code > 0 {
			os.Exit(code)
		}
		return err
	})
}
`

// A program is submitted, followed, seen, started again when it is killed, ended and cancelled.
func TestSubmit(t *testing.T) {
	t.Parallel()
	p := newPlace(t, going)
	p.cleanUp(p.state("state"))
	if err := os.Mkdir(filepath.Join(p.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.write("data/a.txt", "what was shipped")
	p.want(1, "there is no current context", "submit", ".")
	p.want(0, "the cluster", short("up", "--cpus=2")...)
	p.want(2, "is NAME or NAME=value", "submit", "--env=MUSTER_X=1", ".")
	p.want(2, "--env MY_UNSET: it isn't set here", "submit", "--env=MY_UNSET", ".")
	p.want(2, "it is NAME=VALUE", "submit", "--label=x", ".")
	p.want(2, "a job's name is", "submit", "--name=a/b", ".")
	p.want(1, "nosuch", "submit", "--with=nosuch", ".")
	gate := p.state("gate")
	p.want(0, "submitted nightly: muster attach nightly follows it", "submit", "--name=nightly", "--with=data", "--env=GREETING=hello", ".", "3", gate)
	attach, lines := p.start("attach", "nightly")
	awaitLine(t, lines, "what was shipped hello 42 <nil> true")
	p.want(1, `"nightly" is submitted already, and running`, "submit", "--name=nightly", ".")
	p.want(1, "1 job is running: nightly", "down")
	p.submittedSeen()

	pids, err := os.ReadDir(filepath.Join(p.state("state"), "agent", "drivers"))
	if err != nil || len(pids) != 1 {
		t.Fatal(pids, err)
	}
	pid, err := strconv.Atoi(pids[0].Name())
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatal(err)
	}
	awaitLine(t, lines, "muster: the driver of nightly is to be started again: it was killed (signal 9)")
	awaitLine(t, lines, "what was shipped hello 42 <nil> true")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitLine(t, lines, "muster: nightly is failed: its exit code is 3")
	if code := p.exit(attach); code != 3 {
		t.Errorf("attach ends with %d", code)
	}
	p.want(3, "what was shipped hello 42", "attach", "nightly")
	p.want(0, "failed (3)", "jobs")
	if out := p.want(0, "exit code", "job", "show", "nightly"); !strings.Contains(out, "attempt 2 on node") {
		t.Error(out)
	}
	p.submittedEnds(gate)
}

// submittedSeen looks at the submission from all sides.
func (p *place) submittedSeen() {
	p.t.Helper()
	jobs := read[[]protocol.JobInfo](p, "jobs", "--json")
	if len(jobs) != 1 || jobs[0].Submitted == nil || jobs[0].Submitted.State != protocol.DriverRunning ||
		jobs[0].State != protocol.JobRunning {
		p.t.Errorf("%+v", jobs)
	}
	p.want(0, "PROGRESS", "jobs")
	p.want(0, "nightly", "__complete", "attach", "")
	out := p.want(0, "driver: what was shipped hello", "logs", "nightly")
	if !strings.Contains(out, "doubling 21") {
		p.t.Error(out)
	}
	attach, lines := p.start("attach", "nightly")
	awaitLine(p.t, lines, "what was shipped")
	if err := attach.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	awaitLine(p.t, lines, "muster: detached from nightly, which goes on")
	if code := p.exit(attach); code != 0 {
		p.t.Errorf("detached with %d", code)
	}
}

// submittedEnds has executables end well, and be cancelled before they are started.
func (p *place) submittedEnds(gate string) {
	p.t.Helper()
	exe := p.shippedAs("going")
	s := read[protocol.Submission](p, "submit", "--json", exe, "0", gate)
	if !strings.HasPrefix(s.Name, "going-") || s.Program != "going" {
		p.t.Errorf("%+v", s)
	}
	p.want(0, "42 <nil> true", "attach", s.Name)
	p.want(0, "done", "jobs")
	p.want(0, "submitted late", "submit", "--name=late", "--label=zone=far", exe, "0", gate)
	p.want(0, "its driver waits for a node", "why", "late")
	p.want(0, "no task yet", "tasks", "late")
	p.want(0, "cancelled late", "cancel", "late")
	p.want(1, "late is cancelled: it was cancelled by admin", "attach", "late")
	p.want(0, "removed late", "job", "rm", "late")
	p.want(1, "there is no job late", "attach", "late")
	p.want(0, "removed nightly", "job", "rm", "nightly")
	p.want(0, "stopped the head", "down")
}

// shippedAs copies the executable that the agent has.
func (p *place) shippedAs(name string) string {
	p.t.Helper()
	bin := filepath.Join(p.state("state"), "agent", "bin")
	found, err := os.ReadDir(bin)
	if err != nil || len(found) != 1 {
		p.t.Fatal(found, err)
	}
	data, err := os.ReadFile(filepath.Join(bin, found[0].Name()))
	if err == nil {
		err = os.WriteFile(p.state(name), data, 0o700)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return p.state(name)
}
