//go:build unix

package agent

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const supported = true

// childSpec says how to start a worker.
type childSpec struct {
	path string
	args []string
	env  []string
	dir  string
	log  io.Writer
}

// child is a worker's process, with all that it starts: they are a process group.
type child struct {
	cmd    *exec.Cmd
	conn   net.Conn
	tail   *tail
	exited chan struct{} // closed once cmd.Wait has returned
	ooms   int64         // processes that the kernel had ended for lack of memory when this one began
}

// startChild starts a worker with one end of a socket pair as descriptor 3.
func startChild(s *spawner, spec childSpec) (*child, error) {
	mine, its, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = its.Close() }()
	read, write, err := os.Pipe()
	if err != nil {
		_ = mine.Close()
		return nil, err
	}
	defer func() { _ = write.Close() }()
	c := &child{conn: mine, tail: &tail{}, exited: make(chan struct{}), ooms: oomKills()}
	for try := 0; ; try++ {
		c.cmd = exec.Command(spec.path, spec.args...) //nolint:gosec // it is the job's executable, whose hash was checked
		c.cmd.Env, c.cmd.Dir = spec.env, spec.dir
		c.cmd.Stdout, c.cmd.Stderr = write, write
		c.cmd.ExtraFiles = []*os.File{its}
		c.cmd.SysProcAttr = childAttributes()
		s.do(func() { err = c.cmd.Start() })
		// Another start may have forked while the executable was being written: its copy of that file lasts until it
		// executes something itself.
		if !errors.Is(err, syscall.ETXTBSY) || try == 20 {
			break
		}
		time.Sleep(5 * time.Millisecond) // nothing tells when it is closed
	}
	if err != nil {
		_ = mine.Close()
		_ = read.Close()
		return nil, err
	}
	go c.reap(read, io.MultiWriter(spec.log, c.tail))
	return c, nil
}

// outputWithin is how long what a worker has started, and that has left its group, may keep its output open.
const outputWithin = 200 * time.Millisecond

// reap waits for the process's end, ends all that it has started, and copies what they write until then.
func (c *child) reap(output *os.File, to io.Writer) {
	defer close(c.exited)
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(to, output)
	}()
	_ = c.cmd.Wait() // how it ended is in ProcessState
	killGroup(c.pid())
	_ = output.SetReadDeadline(time.Now().Add(outputWithin))
	<-copied
	_ = output.Close()
}

func socketPair() (mine net.Conn, its *os.File, err error) {
	fds, err := socketpair()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	file := os.NewFile(uintptr(fds[0]), "worker")
	its = os.NewFile(uintptr(fds[1]), "agent")
	mine, err = net.FileConn(file)
	_ = file.Close()
	if err != nil {
		_ = its.Close()
		return nil, nil, err
	}
	return mine, its, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stacks makes a Go program write the stacks of its goroutines, and exit.
func (c *child) stacks() { _ = c.cmd.Process.Signal(syscall.SIGQUIT) }

// watch kills the process when it is to be killed, or hasn't quit within the grace. It returns when the process has ended.
func (c *child) watch(quit, kill <-chan struct{}, grace time.Duration) {
	var late <-chan time.Time
	for {
		select {
		case <-c.exited:
			return
		case <-quit:
			timer := time.NewTimer(grace)
			defer timer.Stop()
			quit, late = nil, timer.C
		case <-late:
			killGroup(c.pid())
			<-c.exited
			return
		case <-kill:
			killGroup(c.pid())
			<-c.exited
			return
		}
	}
}

// wait waits for the end of the process, which it kills if that takes longer, and says how it ended.
func (c *child) wait(within time.Duration) string {
	timer := time.NewTimer(within)
	defer timer.Stop()
	killed := false
	select {
	case <-c.exited:
	case <-timer.C:
		killed = true
		killGroup(c.pid())
		<-c.exited
	}
	state := c.cmd.ProcessState
	if state == nil {
		return "ended"
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL && killed:
		return "closed its socket and was killed"
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return "was killed (signal 9)" + c.lack()
	case ok && status.Signaled():
		return fmt.Sprintf("died of signal %d (%s)", int(status.Signal()), status.Signal())
	}
	return fmt.Sprintf("exited with status %d", state.ExitCode())
}

// lack says whether the kernel may have ended the process since there was no memory left.
func (c *child) lack() string {
	if oomKills() > c.ooms {
		return "; the kernel has ended processes since there was no memory left: " +
			"say with Memory how much a task needs, so that fewer run at once"
	}
	return ""
}

// killGroup kills a process and all that it has started and that hasn't left its group.
func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

// isClosed reports whether an error of reading means no more than that the other side has gone.
func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}
