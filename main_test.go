package muster_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/internal/engine"
)

// program is the environment variable by which a test starts this binary as one of the programs below.
const program = "MUSTER_TEST_PROGRAM"

var (
	mainInc     = muster.Func("main.inc", muster.Plain(func(x int) int { return x + 1 }))
	mainFail    = muster.Func("main.fail", muster.PlainErr(func(x int) (int, error) { return 0, fmt.Errorf("bad %d", x) }))
	mainPanic   = muster.Func("main.panic", muster.Plain(func(int) int { panic("boom") }))
	mainStarted = make(chan struct{}, 100)
	mainWait    = muster.Func("main.wait", func(ctx context.Context, _ int) (int, error) {
		select {
		case mainStarted <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return 0, ctx.Err()
	})
	mainDeaf = muster.Func("main.deaf", func(context.Context, int) (int, error) { select {} })
)

// programs are the mains that the tests run in processes of their own.
var programs = map[string]func(){
	"fine": func() {
		muster.Main(func(ctx context.Context) error {
			v, err := mainInc.Call(ctx, 41)
			fmt.Println(v)
			return err
		})
	},
	"fails": func() {
		muster.Main(func(ctx context.Context) error {
			for i := range 5 {
				_ = mainFail.Go(ctx, i).Wait(ctx)
			}
			_, err := mainPanic.Call(ctx, 0)
			return err
		})
	},
	"panics": func() {
		muster.Main(func(ctx context.Context) error {
			_, err := mainPanic.Call(ctx, 0)
			return err
		})
	},
	"tolerates": func() {
		muster.Main(func(ctx context.Context) error {
			for range mainFail.Map(ctx, count(4)) {
			}
			return nil
		})
	},
	"leaves": func() {
		muster.Main(func(ctx context.Context) error {
			for i := range 3 {
				mainWait.Go(ctx, i)
			}
			return nil
		})
	},
	"cancels": func() {
		muster.Main(func(ctx context.Context) error {
			r := mainWait.Go(ctx, 0)
			<-mainStarted
			r.Cancel()
			return nil
		})
	},
	"nil":   func() { muster.Main(nil) },
	"twice": func() { muster.Main(func(context.Context) error { muster.Main(nil); return nil }) },
	"early": func() {
		_, _ = mainInc.Call(context.Background(), 1)
		muster.Main(func(context.Context) error { return nil })
	},
	"mainless": func() {
		_, err := mainInc.Call(context.Background(), 1)
		fmt.Fprintln(os.Stderr, err)
	},
	"opens": func() {
		s, _, err := muster.Open(context.Background(), muster.Config{})
		if fmt.Fprintln(os.Stderr, err); err == nil {
			_ = s.Close() // nothing runs in it
		}
	},
	"foreign": func() {
		muster.Main(func(context.Context) error {
			_, err := mainInc.Call(context.Background(), 1)
			return err
		})
	},
	"unfit": func() {
		muster.Main(func(ctx context.Context) error {
			_, err := mainInc.With(muster.Resource("gpu", 1)).Call(ctx, 1)
			return err
		})
	},
	"config": func() {
		muster.Config{CPUs: -1}.Main(func(context.Context) error { return nil })
	},
	"lazy": func() {
		muster.Main(func(ctx context.Context) error {
			mainInc.Go(muster.Lazy(ctx), 1)
			return nil
		})
	},
	"goexit": func() {
		muster.Main(func(context.Context) error { runtime.Goexit(); return nil })
	},
	"panicking": func() {
		muster.Main(func(context.Context) error { panic("in run") })
	},
	"job": func() {
		muster.Config{CacheDir: os.Getenv("JOB_DIR")}.Main(func(ctx context.Context) error {
			v, err := mainInc.Call(ctx, 41)
			fmt.Println(v)
			if os.Getenv("JOB_FAILS") != "" {
				err = errors.New("stopped")
			}
			return err
		})
	},
	"slow": func() {
		muster.Main(func(ctx context.Context) error {
			r := mainWait.Go(ctx, 0)
			fmt.Println("ready")
			return r.Wait(ctx)
		})
	},
	"deaf": func() {
		muster.Config{Grace: 10 * time.Millisecond}.Main(func(ctx context.Context) error {
			r := mainDeaf.Go(ctx, 0)
			fmt.Println("ready")
			return r.Wait(ctx)
		})
	},
	"stubborn": func() {
		muster.Config{Grace: time.Hour}.Main(func(ctx context.Context) error {
			fmt.Println("ready")
			select {}
		})
	},
	"overstays": func() {
		muster.Config{Grace: time.Millisecond}.Main(func(ctx context.Context) error {
			mainWait.Go(ctx, 0)
			fmt.Println("ready")
			select {}
		})
	},
}

func TestMain(m *testing.M) {
	if name := os.Getenv(program); name != "" {
		programs[name]()
		os.Exit(0)
	}
	if code, worker := engine.Doors.Work(); worker {
		os.Exit(code)
	}
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // for isolated tasks' processes: the race detector waits for a second otherwise
	engine.Doors.Open()
	if os.Getenv("MUSTER_TEST_LOOP") != "" {
		muster.OnLoop(2, 2)
	}
	goleak.VerifyTestMain(m)
}

// process starts this binary as one of the programs.
func process(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), program+"="+name)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

func exitCode(err error) int {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func TestMainEnds(t *testing.T) {
	for _, c := range []struct {
		program string
		env     string
		code    int
		stdout  string
		stderr  []string // in order
	}{
		{program: "fine", stdout: "42\n"},
		{program: "fine", env: "MUSTER_PROGRESS=plain", stdout: "42\n"},
		{program: "fine", env: "MUSTER_PROGRESS=yes", code: 2, stderr: []string{`MUSTER_PROGRESS is "yes": it takes off, on or plain`}},
		{program: "fails", code: 1, stderr: []string{
			"muster: main.panic: panic: boom\n",
			"muster: main.fail #1 attempt 1: bad 0\n", "muster: main.fail #2 attempt 1: bad 1\n", "muster: main.fail #3 attempt 1: bad 2\n",
			"muster: 6 failed: 5 main.fail, 1 main.panic (3 more than shown: Config.OnEvent is told of each)\n",
		}},
		{program: "panics", code: 1, stderr: []string{"muster: main.panic #1 attempt 1: panic: boom\n", "main_test.go:", "muster: 1 failed: 1 main.panic\n"}},
		{program: "tolerates", stderr: []string{"muster: 4 failed: 4 main.fail; the first: main.fail: item "}},
		{program: "leaves", stderr: []string{"muster: cancelled what run left unfinished: 3 main.wait\n"}},
		{program: "cancels"},
		{program: "nil", code: 2, stderr: []string{"muster: Main of a nil function: pass the one to run\n"}},
		{program: "twice", code: 2, stderr: []string{"muster: Main was called twice: a program has one\n"}},
		{program: "early", code: 2, stderr: []string{"muster: main.inc was called before Main: call it in the function that Main runs\n"}},
		{program: "mainless", stderr: []string{"<nil>"}},
		{program: "mainless", env: "MUSTER_ADDR=lab", stderr: []string{`main.inc: MUSTER_ADDR is "lab", and only Main heeds it: call muster.Main in main`}},
		{program: "mainless", env: "MUSTER_JOB=nightly", stderr: []string{`MUSTER_JOB is "nightly", and only Main heeds it`}},
		{program: "opens", env: "MUSTER_JOB=nightly", stderr: []string{"<nil>"}},
		{program: "opens", env: "MUSTER_JOB=nightly MUSTER_COMMAND=x", stderr: []string{`MUSTER_JOB is "nightly", and only Main heeds it`}},
		{program: "foreign", code: 1, stderr: []string{"muster: main.inc: the context has no session: pass on the context that Main, Open or the task's function was given\n"}},
		{program: "unfit", code: 1, stderr: []string{`muster: main.inc: it needs Resource("gpu", 1), and the session has none`, "muster: main.inc: it needs", "1 failed: 1 main.inc"}},
		{program: "config", code: 2, stderr: []string{"muster: Config.CPUs is -1: it must be at least 1"}},
		{program: "goexit", code: 1, stderr: []string{"muster: the function that Main runs called runtime.Goexit: return an error instead\n"}},
		{program: "panicking", code: 2, stderr: []string{"panic: in run"}},
		{program: "job", env: "MUSTER_JOB=../x", code: 2, stderr: []string{`muster: job "../x": a job's name`}},
		{program: "lazy", stderr: []string{"muster: 1 lazy call never ran: nothing asked for its Ref\n"}},
	} {
		t.Run(strings.TrimSuffix(c.program+" "+c.env, " "), func(t *testing.T) {
			cmd := process(t, c.program, strings.Fields(c.env)...)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if code := exitCode(cmd.Run()); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if stdout.String() != c.stdout {
				t.Errorf("stdout %q, want %q", &stdout, c.stdout)
			}
			inOrder(t, stderr.String(), c.stderr)
		})
	}
}

func TestMainResumes(t *testing.T) {
	dir := "JOB_DIR=" + t.TempDir()
	for _, c := range []struct {
		env    []string
		code   int
		stderr []string
	}{
		{[]string{"JOB_FAILS=1"}, 1, []string{"muster: stopped\n", "muster: job nightly: what is done is recorded; to go on: MUSTER_JOB=nightly "}},
		{nil, 0, []string{"muster: job nightly: resuming, 1 outcomes are recorded\n", "muster: job nightly: 1 of 1 calls were recorded before and didn't run again\n"}},
		{[]string{"JOB_FAILS=1", "MUSTER_COMMAND=muster run ./x"}, 1, []string{"resuming", "to go on: MUSTER_JOB=nightly muster run ./x\n"}},
	} {
		cmd := process(t, "job", append(c.env, dir, "MUSTER_JOB=nightly")...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if code := exitCode(cmd.Run()); code != c.code || stdout.String() != "42\n" {
			t.Errorf("exit code %d, want %d; stdout %q", code, c.code, &stdout)
		}
		inOrder(t, stderr.String(), c.stderr)
	}
}

// inOrder checks that the parts stand in the text one after the other, and that an empty list means an empty text.
func inOrder(t *testing.T, text string, parts []string) {
	t.Helper()
	if len(parts) == 0 && text != "" {
		t.Errorf("unexpected: %s", text)
	}
	rest := text
	for _, p := range parts {
		_, after, found := strings.Cut(rest, p)
		if !found {
			t.Errorf("%q is missing or misplaced in:\n%s", p, text)
			return
		}
		rest = after
	}
}

// ready waits for a program's line.
func ready(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatal(line, err)
	}
}
