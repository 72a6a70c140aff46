package cluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is one in which the test's binary plays a role. What it prints on standard output are lines for the test; its
// errors go to a file.
type process struct {
	name  string
	log   string // path of what it wrote on standard error
	cmd   *exec.Cmd
	stdin io.Closer // closed, it is to stop
	lines chan string
	over  chan struct{} // closed once nobody reads lines any more
	ended chan struct{} // closed once it was waited for
	err   error         // how it ended
	all   sync.WaitGroup
	close sync.Once
}

// maxUnread is how many lines of a process may wait for the test before the process does.
const maxUnread = 4096

// startProcess starts the test's binary in a role, with its temporary files and the user's folders below dir.
func startProcess(dir, name string, s *stage) (*process, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{
		name: name, log: filepath.Join(dir, name+".log"), lines: make(chan string, maxUnread),
		over: make(chan struct{}), ended: make(chan struct{}), cmd: exec.Command(path, s.Args...), //nolint:gosec // this program
	}
	p.cmd.Env = append(os.Environ(), envRole+"="+string(data), "MUSTER_JOB=", "MUSTER_ADDR=", "HOME="+dir, "TMPDIR="+tempDir(dir),
		"XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "MUSTER_STATE=", "MUSTER_PROGRESS=off")
	return p, p.start()
}

// tempDir is where the processes of a cluster in dir keep temporary files.
func tempDir(dir string) string { return filepath.Join(dir, "tmp") }

func (p *process) start() error {
	logfile, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer logfile.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer write.Close()
	p.cmd.Stdout, p.cmd.Stderr = write, logfile
	if p.stdin, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		_ = read.Close()
		return err
	}
	p.all.Go(func() { p.read(read) })
	p.all.Go(func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	})
	return nil
}

// read passes the process's lines on.
func (p *process) read(output *os.File) {
	defer output.Close()
	defer close(p.lines)
	in := bufio.NewScanner(output)
	for in.Scan() {
		select {
		case p.lines <- in.Text():
		case <-p.over:
			return
		}
	}
}

// next is the process's next line, or an error once there is none or it takes too long.
func (p *process) next(within time.Duration) (string, error) {
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case line, ok := <-p.lines:
		if !ok {
			return "", fmt.Errorf("%s has ended: %s", p.name, p.lastWords())
		}
		return line, nil
	case <-limit.C:
		return "", fmt.Errorf("%s has said nothing for %v: %s", p.name, within, p.lastWords())
	}
}

// kill ends the process at once, by SIGKILL where there are signals, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
	p.free()
}

// stop ends the process as it likes, or kills it if that takes long: then it gives an error.
func (p *process) stop(within time.Duration) error {
	_ = p.stdin.Close()
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-p.ended:
		p.free()
		return p.err
	case <-limit.C:
		p.kill()
		return fmt.Errorf("it hasn't stopped within %v: %s", within, p.lastWords())
	}
}

func (p *process) free() {
	p.close.Do(func() {
		_ = p.stdin.Close()
		close(p.over)
	})
	p.all.Wait()
}

// lastWords is the end of what the process has written on standard error.
func (p *process) lastWords() string {
	const most = 4 << 10
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(data[max(0, len(data)-most):]))
}

// isOver reports whether the process has ended.
func (p *process) isOver() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// tell writes the end of what a process has written into a failed test's log.
func (p *process) tell(t testing.TB) {
	if t.Failed() {
		t.Logf("the end of %s's log:\n%s", p.name, p.lastWords())
	}
}
