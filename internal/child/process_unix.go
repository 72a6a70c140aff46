//go:build unix

package child

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/musterrun/muster/protocol"
)

// Supported reports whether this system can have workers.
const Supported = true

// process is a worker's process, with all that it starts: they are a process group.
type process struct {
	cmd    *exec.Cmd
	conn   net.Conn
	tail   *tail
	exited chan struct{} // closed once cmd.Wait has returned, and all that the process has started is gone
	why    func() string // the Spec's Killed
	ooms   int64         // processes that the kernel had ended for lack of memory when this one began
}

// start starts a worker with one end of a socket pair as descriptor 3.
func start(spec *Spec) (running, error) {
	mine, its, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = its.Close() }()
	p, err := launch(spec, its)
	if err != nil {
		_ = mine.Close()
		return nil, err
	}
	p.conn = mine
	return p, nil
}

// launch starts a process: a worker with its end of the socket pair, or with nil another program.
func launch(spec *Spec, its *os.File) (*process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = write.Close() }()
	p := &process{tail: &tail{}, exited: make(chan struct{}), why: spec.Killed, ooms: oomKills()}
	started := make(chan error)
	go p.live(spec, its, read, write, started)
	if err := <-started; err != nil {
		_ = read.Close()
		return nil, err
	}
	return p, nil
}

// live starts the process, waits for its end, ends all that it has started, and copies what they write until then.
//
// It does so on a thread of its own: the kernel ends a process with the thread that started it (the parent-death signal),
// and Go ends threads as it likes unless a goroutine is locked to one. The wait would take a thread anyway.
func (p *process) live(spec *Spec, its, read, write *os.File, started chan<- error) {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	err := p.exec(spec, its, write)
	started <- err
	if err != nil {
		return
	}
	defer close(p.exited)
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(io.MultiWriter(spec.Output, p.tail), read)
	}()
	_ = p.cmd.Wait() // how it ended is in ProcessState
	p.kill()
	_ = read.SetReadDeadline(time.Now().Add(outputWithin))
	<-copied
	_ = read.Close()
}

func (p *process) exec(spec *Spec, its, output *os.File) (err error) {
	for try := 0; ; try++ {
		p.cmd = exec.Command(spec.Path, spec.Args...) //nolint:gosec // this program's, or the job's, whose hash was checked
		if spec.Name != "" {
			p.cmd.Args[0] = spec.Name
		}
		p.cmd.Env, p.cmd.Dir = spec.Env[:len(spec.Env):len(spec.Env)], spec.Dir
		p.cmd.Stdout, p.cmd.Stderr = output, output
		if spec.Stdout != nil {
			p.cmd.Stdout = spec.Stdout
		}
		if its != nil {
			p.cmd.Env = append(p.cmd.Env, protocol.EnvWorker+"=3")
			p.cmd.ExtraFiles = []*os.File{its}
		}
		p.cmd.SysProcAttr = attributes()
		if spec.Attributes != nil {
			spec.Attributes(p.cmd.SysProcAttr)
		}
		err = p.cmd.Start()
		// Another start may have forked while the executable was being written: its copy of that file lasts until it
		// executes something itself.
		if !errors.Is(err, syscall.ETXTBSY) || try == 20 {
			return err
		}
		time.Sleep(5 * time.Millisecond) // nothing tells when it is closed
	}
}

// outputWithin is how long what a worker has started, and that has left its group, may keep its output open.
const outputWithin = 200 * time.Millisecond

func socketPair() (mine net.Conn, its *os.File, err error) {
	fds, err := socketpair()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	file := os.NewFile(uintptr(fds[0]), "worker")
	its = os.NewFile(uintptr(fds[1]), "parent")
	mine, err = net.FileConn(file)
	_ = file.Close()
	if err != nil {
		_ = its.Close()
		return nil, nil, err
	}
	return mine, its, nil
}

func (p *process) socket() net.Conn      { return p.conn }
func (p *process) gone() <-chan struct{} { return p.exited }
func (p *process) pid() int              { return p.cmd.Process.Pid }
func (p *process) kill()                 { KillGroup(p.pid()) }
func (p *process) last() string          { return p.tail.String() }

// terminate asks it to end.
func (p *process) terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// code is its exit code once it has ended; -1 if a signal has ended it.
func (p *process) code() int {
	if s := p.cmd.ProcessState; s != nil {
		return s.ExitCode()
	}
	return -1
}

// used is what the process used that has ended, and 0 before: CPU time, and the most memory in bytes; on Linux at least
// what this process had when it started the other.
func (p *process) used() (cpu time.Duration, memory int64) {
	select {
	case <-p.exited:
	default:
		return 0, 0
	}
	state := p.cmd.ProcessState
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		memory = int64(u.Maxrss) //nolint:unconvert // on some systems it is narrower
		if runtime.GOOS == "linux" {
			memory <<= 10 // it counts in KiB
		}
	}
	return state.UserTime() + state.SystemTime(), memory
}

// stacks makes a Go program write the stacks of its goroutines, and exit.
func (p *process) stacks() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) }

// wait waits for the end of the process, which it kills if that takes longer, and says how it ended.
func (p *process) wait(within time.Duration) string {
	timer := time.NewTimer(within)
	defer timer.Stop()
	killed := false
	select {
	case <-p.exited:
	case <-timer.C:
		killed = true
		p.kill()
		<-p.exited
	}
	return p.how(killed)
}

// how says how the process has ended; killed says that it was killed from here.
func (p *process) how(killed bool) string {
	state := p.cmd.ProcessState
	if state == nil {
		return "ended"
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL && killed:
		return "closed its socket and was killed"
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return p.killed()
	case ok && status.Signaled():
		return fmt.Sprintf("died of signal %d (%s)", int(status.Signal()), status.Signal())
	}
	return fmt.Sprintf("exited with status %d", state.ExitCode())
}

// killed is what is known of a SIGKILL that didn't come from here.
func (p *process) killed() string {
	if p.why != nil {
		if how := p.why(); how != "" {
			return how
		}
	}
	return "was killed (signal 9)" + p.lack()
}

// lack says whether the kernel may have ended the process since there was no memory left.
func (p *process) lack() string {
	if oomKills() > p.ooms {
		return "; the kernel has ended processes since there was no memory left: " +
			"say with Memory how much a task needs, so that fewer run at once"
	}
	return ""
}

// KillGroup kills a process and all that it has started and that hasn't left its group.
func KillGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

// isClosed reports whether an error of reading means no more than that the other side has gone.
func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}
