package main

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// watchdog bounds what a test waits for.
const watchdog = 2 * time.Minute

// place is a folder that the command line is run in, with a cache, contexts and state of its own.
type place struct {
	t    testing.TB
	dir  string
	home string
	env  []string // more variables
	exe  string   // the command line's executable; "" for this test's
}

func newEmptyPlace(t testing.TB) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), home: t.TempDir()}
	if err := os.Mkdir(p.state("tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

// newPlace is one with a module that has a program.
func newPlace(t testing.TB, program string) *place {
	t.Helper()
	p := newEmptyPlace(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(mod), "\ngo ")
	p.write("go.mod", "module example.com/p\n\ngo "+requires+
		"\nrequire github.com/musterrun/muster v0.0.0\n\nreplace github.com/musterrun/muster => "+root+"\n")
	p.write("go.sum", string(sums))
	p.write("main.go", program)
	return p
}

func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// edit replaces a part of the program.
func (p *place) edit(old, now string) {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, "main.go"))
	if err != nil || !bytes.Contains(data, []byte(old)) {
		p.t.Fatal(old, err)
	}
	p.write("main.go", strings.Replace(string(data), old, now, 1))
}

// command is the command line, to be run there.
func (p *place) command(args ...string) *exec.Cmd {
	p.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(cmp.Or(p.exe, exe), args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), asMuster+"=1", "XDG_CACHE_HOME="+p.home, "LocalAppData="+p.home, "MUSTER_JOB=",
		"MUSTER_ADDR=", "MUSTER_TOKEN=", "MUSTER_CONFIG="+filepath.Join(p.home, "config"), "MUSTER_STATE="+p.state("state"),
		"TMPDIR="+p.state("tmp"), "GOCACHE="+buildCache(), "GOFLAGS=-mod=mod -ldflags=-w", "GOWORK=off",
		"GORACE=atexit_sleep_ms=0") // the race detector would have each command wait for a second
	cmd.Env = append(cmd.Env, p.env...)
	return cmd
}

// buildCache is Go's cache, which would else be beside muster's: everything would be built anew.
var buildCache = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return "" // the default
	}
	return strings.TrimSpace(string(out))
})

// state is a folder for a head and an agent.
func (p *place) state(name string) string { return filepath.Join(p.home, name) }

// muster runs the command line and gives what it prints and its exit code.
func (p *place) muster(args ...string) (out string, code int) {
	p.t.Helper()
	cmd := p.command(args...)
	limit := time.AfterFunc(watchdog, func() {
		p.t.Errorf("muster %s doesn't end", strings.Join(args, " "))
		_ = cmd.Process.Kill() // it was started, or took no time
	})
	defer limit.Stop()
	data, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return string(data), cmd.ProcessState.ExitCode()
}

// want runs the command line and compares.
func (p *place) want(code int, contains string, args ...string) string {
	p.t.Helper()
	out, got := p.muster(args...)
	if got != code || !strings.Contains(out, contains) {
		p.t.Errorf("muster %s: exit code %d, want %d, and %q in\n%s", strings.Join(args, " "), got, code, contains, out)
	}
	return out
}
