package muster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/musterrun/muster/cluster/worker"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/progress"
)

// Main is Config{}.Main.
func Main(run func(context.Context) error) { Config{}.Main(run) }

// Main is all of a program's main function: it opens a session, calls run with its context, cancels what run has left
// unfinished, says on standard error what failed, and exits with 1 if run or Close gave an error, and with 2 if it
// couldn't begin: a wrong Config or MUSTER_PROGRESS, a nil run, a call before Main, a job that is open elsewhere.
//
// On a terminal it shows the progress of each function in the lowest rows, below what the program prints; the
// environment variable MUSTER_PROGRESS is off, on (lines where bars can't be shown) or plain (a line now and then, for
// logs). A program that leaves by os.Exit inside run leaves the terminal with fewer rows to scroll: return an error.
//
// Ctrl-C or SIGTERM cancels run's context with all tasks. Functions have Config.Grace to return, run a second more; then
// Main reports and exits with 130 for Ctrl-C, 143 for SIGTERM, as shells count signals, whatever run returned. A second
// signal leaves at once with the same code. SIGHUP isn't handled: it ends the program at once, as in any Go program;
// start it by nohup, or pass syscall.SIGHUP to signal.Ignore, to let it go on without its terminal.
//
// Under Main a call needs a context that comes from run's: others give ErrNoSession.
func (c Config) Main(run func(context.Context) error) {
	if code := c.main(run, os.Stderr); code != 0 {
		os.Exit(code)
	}
}

// Exit codes: of a failed run, of a wrong set-up, and of a signal as shells count it.
const (
	exitFailed = 1
	exitUsage  = 2
	exitSignal = 128
)

func (c Config) main(run func(context.Context) error, stderr *os.File) int {
	if fd, ok := worker.FromEnv(); ok {
		return c.work(fd, stderr)
	}
	mode, err := progress.ParseMode(os.Getenv("MUSTER_PROGRESS"))
	if err == nil {
		err = enterMain()
	}
	if err == nil && run == nil {
		err = errors.New("muster: Main of a nil function: pass the one to run")
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	c.fromEnvironment()
	s, ctx, err := Open(ctx, c)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	var rep report
	if c.Addr != "" {
		rep.now = stderr
	}
	s.s.Listen(engine.Listener{Mask: rep.mask(), Tell: rep.observe})
	bars := progress.New(mode, stderr)
	if bars.Mask() != 0 {
		s.s.Listen(engine.Listener{Mask: bars.Mask(), Tell: bars.Observe})
	}
	end := &ending{s: s, rep: &rep, bars: bars, stderr: stderr, grace: s.s.Grace()}
	s.keeper.begin(stderr)
	defer end.watch(cancel)()
	return end.finish(call(ctx, run, end))
}

// fromEnvironment takes what the environment says, and out of it what isn't for programs that this one starts: two can't
// have one job, and only this one was started by `muster run`.
func (c *Config) fromEnvironment() {
	if job := os.Getenv(envJob); job != "" {
		c.Job = job
		_ = os.Unsetenv(envJob) // it fails for wrong names only
	}
	if addr := os.Getenv(envAddr); addr != "" {
		c.Addr = addr
	}
	process.command = os.Getenv(envCommand)
	_ = os.Unsetenv(envCommand)
}

// call calls run. One that calls runtime.Goexit would leave the process without its main goroutine, waiting for ever.
func call(ctx context.Context, run func(context.Context) error, end *ending) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			end.bars.Close()
			panic(v)
		}
		os.Exit(end.finish(errors.New("the function that Main runs called runtime.Goexit: return an error instead")))
	}()
	err := run(ctx)
	returned = true
	return err
}

// ending is how a program under Main comes to its end: by run's return or by a signal.
type ending struct {
	s      *Session
	rep    *report
	bars   *progress.Display
	stderr io.Writer
	grace  time.Duration
	signal syscall.Signal // guarded by rep.mu
}

// watch handles signals until the function it returns is called.
func (e *ending) watch(cancel context.CancelCauseFunc) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		e.onSignals(signals, quit, cancel)
	}()
	return func() {
		signal.Stop(signals)
		close(quit)
		<-done
	}
}

// echoes is how long after a SIGTERM others are the same one: who ends a group of processes, such as systemd or timeout,
// has this one get it twice, from there and from muster run.
const echoes = 200 * time.Millisecond

// onSignals cancels at the first signal and leaves at the second, or when the grace period is over.
func (e *ending) onSignals(signals <-chan os.Signal, quit <-chan struct{}, cancel context.CancelCauseFunc) {
	var first os.Signal
	var at time.Time
	select {
	case sig := <-signals:
		first, at = sig, time.Now()
		e.rep.mu.Lock()
		e.signal, _ = sig.(syscall.Signal)
		e.rep.mu.Unlock()
		fmt.Fprintf(e.stderr, "muster: %v: cancelling; waiting up to %v for what runs, again to leave at once\n", sig, e.grace)
		cancel(fmt.Errorf("%v: %w", sig, context.Canceled))
	case <-quit:
		return
	}
	limit := time.NewTimer(e.grace + time.Second) // the tasks have the grace period, run a moment more
	defer limit.Stop()
	for leave := false; !leave; {
		select {
		case sig := <-signals:
			leave = sig != syscall.SIGTERM || first != sig || time.Since(at) >= echoes
		case <-limit.C:
			fmt.Fprintf(e.stderr, "muster: the function that Main runs hasn't returned within %v of its cancel: let it watch its context\n", e.grace)
			e.unfinished()
			leave = true
		case <-quit:
			return
		}
	}
	e.bars.Close()
	os.Exit(e.code(exitFailed))
}

func (e *ending) code(otherwise int) int {
	e.rep.mu.Lock()
	defer e.rep.mu.Unlock()
	if e.signal != 0 {
		return exitSignal + int(e.signal)
	}
	return otherwise
}

// finish ends the session and reports.
func (e *ending) finish(runErr error) int {
	left := e.s.s.Unfinished()
	e.s.failed = runErr
	closeErr := e.s.Close()
	e.bars.Close()
	if len(left) > 0 {
		fmt.Fprintf(e.stderr, "muster: cancelled what run left unfinished: %s\n", counts(left))
	}
	code := 0
	for _, err := range []error{closeErr, runErr} {
		if err != nil {
			fmt.Fprintln(e.stderr, oneLine(err))
			code = exitFailed
		}
	}
	e.rep.print(e.stderr, runErr)
	asked, found := e.s.s.Resumed()
	code = e.code(code)
	e.s.keeper.end(e.stderr, asked, found, code != 0)
	return code
}

func (e *ending) unfinished() {
	if left := e.s.s.Unfinished(); len(left) > 0 {
		fmt.Fprintf(e.stderr, "muster: unfinished: %s\n", counts(left))
	}
}

// counts is `12 count, 3 read`, the most first.
func counts(n map[string]int) string {
	names := slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", n[name], name))
	}
	return strings.Join(parts, ", ")
}

// oneLine is an error's text with the program's mark, unless it has it.
func oneLine(err error) string {
	if s := err.Error(); strings.HasPrefix(s, "muster: ") {
		return s
	}
	return "muster: " + err.Error()
}
