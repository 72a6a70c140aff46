package journal

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// childEnv is set for a process that a test starts from its own binary: the name of what it does.
const childEnv = "JOURNAL_TEST_CHILD"

// children are what such a process may do, with its arguments.
var children = map[string]func(args []string){"hold": childHold, "append": childAppend}

func TestMain(m *testing.M) {
	child := os.Getenv(childEnv)
	if child == "" {
		goleak.VerifyTestMain(m)
		return
	}
	go func() { // it ends with the test that has started it
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	children[child](os.Args[1:])
	os.Exit(0)
}

// process is a child that is running.
type process struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

func child(t *testing.T, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, bufio.NewReader(out)}
	t.Cleanup(p.kill)
	return p
}

// kill is SIGKILL, or what comes closest.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// line waits for a line of the child's.
func (p *process) line(t *testing.T) string {
	t.Helper()
	s, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the child says %q, %v", s, err)
	}
	return s
}

func childOpen(dir string, report func(error)) *Journal {
	j, err := Open(dir, "job", Run{Host: "childhost", PID: os.Getpid(), Program: []string{"child", "-flag"}}, report)
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	return j
}

// childHold opens the job in a folder, says so, and waits to be killed.
func childHold(args []string) {
	childOpen(args[0], nil)
	fmt.Println("open")
	select {}
}
