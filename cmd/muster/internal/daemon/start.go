package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ready is what a service writes to its standard output when it serves, and failed what stands before the reason why it
// doesn't.
const (
	ready  = "ready"
	failed = "failed: "
)

// proceed is the line on its standard input that lets a service go on.
const proceed = "go"

// Ready tells the process that has started this one that it serves, and leaves standard output.
func Ready() { tell(ready) }

// Failed tells it why it doesn't.
func Failed(err error) { tell(failed + err.Error()) }

// tell leaves standard output afterwards, since nobody reads it any more and a write would end the process.
func tell(line string) {
	fmt.Println(strings.ReplaceAll(line, "\n", "; "))
	_ = os.Stdout.Close() // there is nobody to tell
	os.Stdout = os.Stderr
}

// Await waits, in a process that Begin has started, until Go is called. The error says that it isn't to serve: it was given
// up, or who has begun it is gone.
func Await() error {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line == proceed+"\n" {
		return nil
	}
	return fmt.Errorf("it isn't to serve: nobody lets it go on: %w", err)
}

// Start starts a service in the background, by the command line's own executable with args, and waits until it calls
// Ready; within bounds that. What keeps it from that is the error, and no process is left then. The executable is copied
// into the folder first, so that the service doesn't depend on one that is rebuilt or removed.
func (f Folder) Start(ctx context.Context, name string, within time.Duration, args ...string) error {
	b, err := f.Begin(name, args...)
	if err != nil {
		return err
	}
	return b.Go(ctx, within)
}

// Begun is the process of a service that waits for Go, if its args have it call Await. Its methods are one goroutine's.
type Begun struct {
	name, log string
	cmd       *exec.Cmd
	gate      io.WriteCloser
	said      io.ReadCloser
	over      bool // Go or GiveUp was called
}

// Begin is the part of Start that needn't wait for what the service needs: a process takes some milliseconds to come up.
// Either Go or GiveUp is to be called.
func (f Folder) Begin(name string, args ...string) (*Begun, error) {
	exe, err := f.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	log, err := os.OpenFile(f.LogFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	defer log.Close()
	b := &Begun{name: name, log: log.Name(), cmd: exec.Command(exe, args...)} // not CommandContext: it outlives this process
	b.cmd.Dir, b.cmd.Stderr = string(f), log
	detach(b.cmd)
	if b.gate, err = b.cmd.StdinPipe(); err == nil {
		b.said, err = b.cmd.StdoutPipe()
	}
	if err == nil {
		err = b.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	return b, nil
}

// Go lets the service go on, and waits until it calls Ready, as Start does.
func (b *Begun) Go(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, _ = io.WriteString(b.gate, proceed+"\n") // one that has ended says why, or that is said of it
	_ = b.gate.Close()
	if err := await(ctx, b.said, b.name); err != nil {
		b.GiveUp()
		return fmt.Errorf("start the %s: %w (its log: %s)", b.name, err, b.log)
	}
	b.over = true
	return b.cmd.Process.Release()
}

// GiveUp ends the process. After Go, and for a nil Begun, it does nothing.
func (b *Begun) GiveUp() {
	if b == nil || b.over {
		return
	}
	b.over = true
	_ = b.cmd.Process.Kill() // it may have ended
	_ = b.cmd.Wait()
}

// await reads what a service says about its start, and closes the pipe.
func await(ctx context.Context, said io.ReadCloser, name string) error {
	stop := context.AfterFunc(ctx, func() { _ = said.Close() })
	defer stop()
	line, err := bufio.NewReader(said).ReadString('\n')
	_ = said.Close() // it is read
	line = strings.TrimSuffix(line, "\n")
	why, no := strings.CutPrefix(line, failed)
	switch {
	case line == ready:
		return nil
	case no:
		return errors.New(strings.TrimPrefix(why, "start the "+name+": ")) // which Start says too
	case ctx.Err() != nil:
		return fmt.Errorf("it isn't ready: %w", context.Cause(ctx))
	case errors.Is(err, io.EOF):
		return errors.New("it ended without a word")
	case err != nil:
		return fmt.Errorf("it doesn't say whether it is ready: %w", err)
	default:
		return fmt.Errorf("it says %q", line)
	}
}

// Prepare does what Start does first, so that it needn't: it makes the folder, and copies the executable.
func (f Folder) Prepare() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	_, err := f.Executable()
	return err
}

// Executable is the folder's copy of this process's executable, which is made if it isn't there.
func (f Folder) Executable() (string, error) {
	exe, err := f.copyExecutable()
	if err != nil {
		return "", fmt.Errorf("copy this program to %s: %w", f, err)
	}
	return exe, nil
}

// copyExecutable copies this process's executable to bin/ in the folder. Older copies go, unless something runs by them
// where that keeps a file from being removed.
func (f Folder) copyExecutable() (string, error) {
	from, err := os.Executable()
	if err != nil {
		return "", err
	}
	if from, err = filepath.EvalSymlinks(from); err != nil {
		return "", err
	}
	info, err := os.Stat(from)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(string(f), "bin")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if filepath.Dir(from) == dir {
		return from, nil
	}
	to := filepath.Join(dir, fmt.Sprintf("muster-%x-%x%s", info.ModTime().UnixNano(), info.Size(), filepath.Ext(from)))
	if have, err := os.Stat(to); err == nil && have.Size() == info.Size() {
		return to, nil
	}
	old, _ := filepath.Glob(filepath.Join(dir, "*muster-*"))
	for _, o := range old {
		_ = os.Remove(o) // or else the next time
	}
	return to, copyFile(from, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".muster-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Chmod(0o700), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		_ = os.Remove(out.Name()) // it is of no use
	}
	return err
}
