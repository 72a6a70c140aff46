//go:build linux

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// holding is a program whose functions run for as long as they may, and read a file that is shipped.
const holding = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/musterrun/muster"
)

var Read = muster.Func("read", func(_ context.Context, name string) (string, error) {
	data, err := os.ReadFile(name)
	return fmt.Sprint(string(data), " by ", os.Getppid() != os.Getpid()), err
})

var Hold = muster.Func("hold", func(ctx context.Context, n int) (int, error) {
	fmt.Println("holding", n)
	<-ctx.Done()
	return 0, ctx.Err()
})

func main() {
	muster.Main(func(ctx context.Context) error {
		text, err := Read.Call(ctx, "data/a.txt")
		fmt.Println("read", text, err)
		if len(os.Args) > 1 {
			return err
		}
		_, err = Hold.Call(ctx, 7)
		return err
	})
}
`

// A program on a cluster: it is seen, keeps the cluster from being stopped, and is cancelled.
func TestRunOnCluster(t *testing.T) {
	t.Parallel()
	p := newPlace(t, holding)
	p.cleanUp(p.state("state"))
	if err := os.Mkdir(filepath.Join(p.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.write("data/a.txt", "what was shipped")
	p.want(0, "the cluster", short("up", "--cpus=2")...)
	p.want(0, "read what was shipped by true <nil>", "run", "--with=data", ".", "once")
	p.want(2, "--with ships files", "run", "--local", "--with=data", ".", "once")
	p.want(1, "nosuch", "run", "--with=nosuch", ".", "once")

	driver, lines := p.start("run", "--with=data", "--job=nightly", ".")
	defer func() { _ = driver.Process.Kill() }()
	awaitLine(t, lines, "read what was shipped")
	logs, logLines := p.start("logs", "-f", "nightly")
	awaitLine(t, logLines, "holding 7")
	p.seen()
	p.want(1, "1 job is running: nightly", "down")
	p.want(1, "1 task runs on this machine", "leave")
	p.want(0, "cancelled nightly", "cancel", "nightly")
	if code := p.exit(logs); code != 0 {
		t.Error("logs -f: exit code", code)
	}
	if code := p.exit(driver); code == 0 {
		t.Error("the driver of a cancelled job succeeded")
	}
	var said strings.Builder
	for line := range lines {
		said.WriteString(line + "\n")
	}
	if out := said.String(); !strings.Contains(out, `this driver stops: job "nightly" (`) || strings.Contains(out, "nats: ") {
		t.Errorf("the driver of a cancelled job says\n%s", out)
	}
	p.want(1, "has ended already", "cancel", "nightly")
	p.want(1, "nobody knows its tasks any more", "tasks", "nightly")
	p.want(0, "no job runs", "tasks")
	p.want(0, "removed this machine's journal of nightly too", "job", "rm", "nightly")
	p.want(1, "there is no job nightly", "job", "rm", "nightly")
	if out := p.want(0, "", "jobs"); strings.Contains(out, "nightly") {
		t.Errorf("removed, and listed: %s", out)
	}
	p.want(1, "there is no job nightly", "job", "show", "--local", "nightly")
	p.want(0, "stopped the head", "down")
}

// seen looks at the job from all sides.
func (p *place) seen() {
	p.t.Helper()
	jobs := read[[]protocol.JobInfo](p, "jobs", "--json")
	if i := len(jobs) - 1; i < 0 || jobs[i].Name != "nightly" || jobs[i].State != protocol.JobRunning || jobs[i].Owner != "admin" {
		p.t.Errorf("jobs: %+v", jobs)
	}
	p.want(0, "nightly", "jobs")
	p.want(0, "data/a.txt", "job", "show", "nightly")
	p.want(0, "1st driver", "job", "show", "nightly")
	p.want(0, "holding 7", "logs", "nightly")
	p.want(1, "there is no node nosuch", "logs", "nightly", "--node=nosuch")
	p.want(0, "nightly", "__complete", "cancel", "")
	p.want(0, "local", "__complete", "context", "use", "")
	p.want(0, "nightly", "top", "--once")
	p.tasks()
}

// tasks looks at the job's tasks: the second one runs.
func (p *place) tasks() {
	p.t.Helper()
	out := p.want(0, "nightly/2  hold", "tasks", "nightly", "--all")
	if !strings.Contains(out, "JOB      FUNCTION  WAITING  READY  GIVEN  RUNNING  BLOCKED  PAUSING  DONE  FAILED") || !strings.Contains(out, "running") {
		p.t.Error(out)
	}
	p.want(0, "nightly  read      0        0      0      0        0        0        1     0", "tasks")
	type list []struct {
		Name  string
		Tasks []protocol.TaskInfo
	}
	if l := read[list](p, "tasks", "--state=running", "--json"); len(l) != 1 || len(l[0].Tasks) != 1 || l[0].Tasks[0].Node == "" || l[0].Tasks[0].Task != 2 {
		p.t.Errorf("%+v", l)
	}
	if l := read[list](p, "tasks", "--state=waiting", "--json"); len(l) != 1 || len(l[0].Tasks) != 0 {
		p.t.Errorf("%+v", l)
	}
	out = p.want(0, "hold #2 runs on node ", "why", "nightly/2")
	if !strings.Contains(out, "its worker, process ") {
		p.t.Error(out)
	}
	p.want(0, "hold #2 runs on node ", "why", "2")
	p.want(0, "1 task runs, and nothing else is ready", "why", "nightly")
	p.want(0, "no task #1 waits or runs", "why", "nightly/1")
	p.want(1, "there is no job other", "why", "other/1")
	p.want(1, "there is no job other", "tasks", "other")
	p.want(2, "it is one of waiting, ready", "tasks", "--state=odd")
	p.want(2, "it must be from 1 to 1000", "tasks", "--most=0")
	p.want(0, "nightly", "__complete", "why", "")
	p.want(0, "nightly", "__complete", "tasks", "")
	p.want(0, "blocked", "__complete", "tasks", "--state", "")
}

// start starts a command, and gives what it prints, line by line.
func (p *place) start(args ...string) (*exec.Cmd, <-chan string) {
	p.t.Helper()
	return p.startIn(syscall.SysProcAttr{}, args...)
}

// startIn is start in a process with attributes of its own.
func (p *place) startIn(attr syscall.SysProcAttr, args ...string) (*exec.Cmd, <-chan string) {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.SysProcAttr = &attr
	return cmd, p.startCommand(cmd)
}

// startProgram starts a program on the cluster that was built.
func (p *place) startProgram(exe string, args ...string) (*exec.Cmd, <-chan string) {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.Path, cmd.Args[0] = exe, exe
	cmd.Env = append(cmd.Env, "MUSTER_ADDR=local")
	return cmd, p.startCommand(cmd)
}

// startCommand gives the lines that a command prints, as they come.
func (p *place) startCommand(cmd *exec.Cmd) <-chan string {
	p.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	_ = w.Close() // the command has its own
	lines := make(chan string, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		readLines(r, lines)
	}()
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-done
	})
	return lines
}

// exit waits until a command has ended, and gives its exit code.
func (p *place) exit(cmd *exec.Cmd) int {
	p.t.Helper()
	limit := time.AfterFunc(watchdog, func() {
		p.t.Errorf("muster %s doesn't end", strings.Join(cmd.Args[1:], " "))
		_ = cmd.Process.Signal(syscall.SIGQUIT) // with the stacks
	})
	defer limit.Stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		p.t.Error(err)
	}
	return cmd.ProcessState.ExitCode()
}

func readLines(r io.ReadCloser, lines chan<- string) {
	defer close(lines)
	defer r.Close()
	for s := bufio.NewScanner(r); s.Scan(); {
		lines <- s.Text()
	}
}

func awaitLine(t testing.TB, lines <-chan string, contains string) {
	t.Helper()
	limit := time.NewTimer(watchdog)
	defer limit.Stop()
	var all []string
	for {
		select {
		case line, ok := <-lines:
			all = append(all, line)
			if strings.Contains(line, contains) {
				return
			}
			if !ok {
				t.Fatalf("no line has %q: %q", contains, all)
			}
		case <-limit.C:
			t.Fatalf("no line has %q yet: %q", contains, all)
		}
	}
}
