//go:build unix

package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// as says what the test's executable is to do as a service: the first argument, behind a mark.
const as = "as-service"

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == as {
		service(Folder(os.Args[2]), os.Args[3])
		return
	}
	goleak.VerifyTestMain(m)
}

// service behaves well, or in one of the ways in which a service may not.
func service(f Folder, how string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if how == "silent" {
		return
	}
	if how == "fails" {
		Failed(errors.New("no luck\ntoday"))
		return
	}
	if how == "held" {
		if err := Await(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
	}
	err := f.Hold(ctx, "test")
	if err == nil {
		err = f.Tell("test", false, map[string]string{"how": how})
	}
	if err != nil {
		Failed(err)
		return
	}
	if how == "deaf" {
		signal.Ignore(os.Interrupt)
		ctx = context.Background()
	}
	if how != "hangs" {
		Ready()
		fmt.Fprintln(os.Stderr, "written to standard error")
	}
	<-ctx.Done()
}

const watchdog = 20 * time.Second

func start(t *testing.T, f Folder, how string, within time.Duration) error {
	t.Helper()
	if err := f.Prepare(); err != nil {
		t.Fatal(err)
	}
	return f.Start(t.Context(), "test", within, as, string(f), how)
}

func TestStartAndStop(t *testing.T) {
	f := Folder(t.TempDir())
	if _, running, err := f.Running("test"); running || err != nil {
		t.Fatal(running, err)
	}
	if err := start(t, f, "well", watchdog); err != nil {
		t.Fatal(err)
	}
	r, running, err := f.Running("test")
	if !running || err != nil || r.PID == 0 || r.PID == os.Getpid() || r.About["how"] != "well" {
		t.Errorf("%+v, %v, %v", r, running, err)
	}
	err = start(t, f, "well", watchdog)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("it runs already, as process %d", r.PID)) {
		t.Errorf("started twice: %v", err)
	}
	if err := f.Hold(t.Context(), "test"); !errors.Is(err, ErrRunning) {
		t.Errorf("held twice: %v", err)
	}
	if ran, err := f.Stop(t.Context(), "test", watchdog); !ran || err != nil {
		t.Error(ran, err)
	}
	if ran, err := f.Stop(t.Context(), "test", watchdog); ran || err != nil {
		t.Error(ran, err)
	}
	if data, err := os.ReadFile(f.LogFile("test")); err != nil || !strings.Contains(string(data), "written to standard error") {
		t.Errorf("the log: %q, %v", data, err)
	}
}

// One that doesn't listen is killed; its record isn't believed afterwards.
func TestStopTheDeaf(t *testing.T) {
	f := Folder(t.TempDir())
	if err := start(t, f, "deaf", watchdog); err != nil {
		t.Fatal(err)
	}
	if ran, err := f.Stop(t.Context(), "test", 50*time.Millisecond); !ran || err != nil {
		t.Error(ran, err)
	}
	if _, ok, err := f.read("test"); !ok || err != nil {
		t.Error("the record of the killed one should be there still", err)
	}
	if _, running, err := f.Running("test"); running || err != nil {
		t.Error(running, err)
	}
}

func TestStartThatFails(t *testing.T) {
	for how, want := range map[string]string{
		"silent": "start the test: it ended without a word",
		"fails":  "start the test: no luck; today",
		"hangs":  "it isn't ready: context deadline exceeded",
	} {
		f := Folder(t.TempDir())
		within := watchdog
		if how == "hangs" {
			within = 300 * time.Millisecond
		}
		err := start(t, f, how, within)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "its log: ") {
			t.Errorf("%s: %v", how, err)
		}
		if _, running, err := f.Running("test"); running || err != nil {
			t.Errorf("%s: left behind: %v", how, err)
		}
	}
}

// One that was begun serves once it is let go, and not before; one that is given up never does.
func TestBegin(t *testing.T) {
	f := Folder(t.TempDir())
	if err := f.Prepare(); err != nil {
		t.Fatal(err)
	}
	begin := func() *Begun {
		t.Helper()
		b, err := f.Begin("test", as, string(f), "held")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := begin()
	if _, running, err := f.Running("test"); running || err != nil {
		t.Errorf("it serves before it was let go: %v", err)
	}
	b.GiveUp()
	if err := b.cmd.Wait(); b.cmd.ProcessState == nil {
		t.Error("given up, and its process is there still", err)
	}

	b = begin()
	_ = b.gate.Close() // as the system does when this process ends
	if err := b.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(f.LogFile("test")); err != nil || !strings.Contains(string(data), "nobody lets it go on") {
		t.Errorf("the log of one whose beginner is gone: %q, %v", data, err)
	}
	if err := b.Go(t.Context(), watchdog); err == nil || !strings.Contains(err.Error(), "start the test: ") {
		t.Errorf("it has ended, and goes on: %v", err)
	}

	b = begin()
	if err := b.Go(t.Context(), watchdog); err != nil {
		t.Fatal(err)
	}
	b.GiveUp() // is late
	if _, running, err := f.Running("test"); !running || err != nil {
		t.Errorf("it was let go, and doesn't serve: %v", err)
	}
	if ran, err := f.Stop(t.Context(), "test", watchdog); !ran || err != nil {
		t.Error(ran, err)
	}
	(*Begun)(nil).GiveUp()
}

// A service that is being started has no record yet.
func TestRunningWithoutRecord(t *testing.T) {
	f := Folder(t.TempDir())
	if err := f.Hold(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if _, running, err := f.Running("other"); !running || err == nil || !strings.Contains(err.Error(), "just being started") {
		t.Error(running, err)
	}
	if err := os.WriteFile(f.record("other"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, running, err := f.Running("other"); !running || err == nil {
		t.Error(running, err)
	}
}

// An executable is copied once, and an older copy goes.
func TestExecutable(t *testing.T) {
	f := Folder(t.TempDir())
	old := filepath.Join(string(f), "bin", "muster-1-1")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := f.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.Executable(); again != exe || err != nil {
		t.Error(again, exe, err)
	}
	if all, _ := os.ReadDir(filepath.Dir(old)); len(all) != 1 {
		t.Errorf("copies: %v", all)
	}
}

func TestLogIsCut(t *testing.T) {
	f := Folder(t.TempDir())
	l, err := f.OpenLog("test")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.most = 100
	for i := range 20 {
		if _, err := fmt.Fprintf(l, "this is line %02d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	var last string
	for _, name := range []string{f.LogFile("test") + ".1", f.LogFile("test")} {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := file.Stat(); err != nil || info.Size() > 100 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		for s := bufio.NewScanner(file); s.Scan(); last = s.Text() {
			if !strings.HasPrefix(s.Text(), "this is line ") {
				t.Errorf("%s: %q", name, s.Text())
			}
		}
		_ = file.Close()
	}
	if last != "this is line 19" {
		t.Errorf("the last line is %q", last)
	}
}

func TestDefault(t *testing.T) {
	t.Setenv("MUSTER_STATE", "")
	t.Setenv("XDG_STATE_HOME", "x")
	if f, err := Default(); f != Folder(filepath.Join("x", "muster")) || err != nil {
		t.Error(f, err)
	}
	t.Setenv("MUSTER_STATE", "y")
	if f, err := Default(); f != "y" || err != nil {
		t.Error(f, err)
	}
}
