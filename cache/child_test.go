package cache

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A test starts its own binary as another process, which plays a role in a store, says by lines on its output how far
// it is, and goes on when it reads a line.
const (
	childRole = "MUSTER_CACHE_ROLE"
	childDir  = "MUSTER_CACHE_DIR"
)

type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startChild(t *testing.T, role, dir string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe)}
	c.cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return c
}

// line is the next line that the child says.
func (c *child) line() string {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Errorf("the child said nothing more: %v", c.out.Err())
	}
	return c.out.Text()
}

func (c *child) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Errorf("the child said %q, want %q", got, want)
	}
}

func (c *child) goOn() {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.in); err != nil {
		c.t.Error(err)
	}
}

// kill ends the child at once, by SIGKILL where there is one.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait() // its error is the kill
	}
}

func (c *child) end() {
	c.t.Helper()
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the child: %v", err)
	}
}

// computedLog has a line for each computation of a process.
const computedLog = "computed"

// shared is the call that all processes make.
func shared(dir string, compute func() string) Call {
	c := callFor("shared", Value{})
	c.Compute = func(context.Context) (Value, error) {
		f, err := os.OpenFile(filepath.Join(dir, computedLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return Value{}, err
		}
		_, err = fmt.Fprintln(f, os.Getpid())
		if e := f.Close(); err == nil {
			err = e
		}
		return Value{Data: []byte(compute())}, err
	}
	return c
}

func runChild(role, dir string) int {
	s, err := Open(dir, Options{Limit: childLimit, Report: func(n Notice) {
		if n.Err != nil {
			fmt.Fprintln(os.Stderr, n)
		}
	}})
	if err == nil {
		err = playRole(role, s)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role, err)
		return 1
	}
	return 0
}

func playRole(role string, s *Store) error {
	in := bufio.NewReader(os.Stdin)
	wait := func() { _, _ = in.ReadString('\n') }
	role, name, _ := strings.Cut(role, " ")
	switch role {
	case "ask": // computes, if nobody else does, once it is told to
		fmt.Println("ready")
		wait()
		v, hit, err := s.Do(context.Background(), shared(s.Dir(), func() string { return "asked" }))
		fmt.Printf("%s %v\n", v.Data, hit)
		return err
	case "hold": // computes until it is told to end
		v, hit, err := s.Do(context.Background(), shared(s.Dir(), func() string {
			fmt.Println("computing")
			wait()
			return "held"
		}))
		fmt.Printf("%s %v\n", v.Data, hit)
		return err
	case "fill":
		return fill(s, name, 300, 0)
	case "loop":
		return loop(s)
	}
	return fmt.Errorf("unknown role %s", role)
}
