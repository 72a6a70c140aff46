//go:build linux

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
)

// wrong is a program that does what its argument says, none of it right but inc and hold.
const wrong = `package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/musterrun/muster"
)

var errGone = errors.New("it is gone")

var (
	Gone = muster.Func("gone", func(_ context.Context, n int) (int, error) { return 0, fmt.Errorf("item %d: %w", n, errGone) })
	Inc  = muster.Func("inc", muster.Plain(func(x int) int { return x + 1 }))
	Odd  = muster.Func(odd(), muster.Plain(func(x int) int { return x }))
	Hold = muster.Func("hold", func(ctx context.Context, x int) (int, error) {
		<-ctx.Done()
		return x, ctx.Err()
	})
)

func odd() string {
	if os.Getenv("MUSTER_WORKER") != "" {
		return "odd.here"
	}
	return "odd.there"
}

func main() {
	switch os.Args[1] {
	case "mainless":
		end(Inc.Call(context.Background(), 1))
	case "opens":
		_, _, err := muster.Open(context.Background(), muster.Config{})
		end(0, err)
	}
	muster.Main(func(ctx context.Context) error {
		call := map[string]func(context.Context, int) (int, error){
			"inc": Inc.Call, "odd": Odd.Call, "hold": Hold.Call, "gone": Gone.Call,
		}[os.Args[1]]
		fmt.Println("calling")
		_, err := call(ctx, 1)
		if errors.Is(err, errGone) {
			return nil
		}
		return err
	})
}

func end(_ int, err error) {
	fmt.Fprintln(os.Stderr, "muster:", err)
	os.Exit(1)
}
`

// Bad input is told within 5 s (cluster/join has such a test of what its waits may take).
func TestTimesOfBadInput(t *testing.T) {
	if most := 5 * time.Second; asking >= most || 2*glance >= most {
		t.Error(asking, glance)
	}
}

// Programs that can't run on the cluster say why in a line, and what to do.
func TestBadPrograms(t *testing.T) {
	t.Parallel()
	p := newPlace(t, wrong)
	p.cleanUp(p.state("state"))
	p.want(0, "the cluster", short("up", "--cpus=2")...)
	exe := p.build("prog")
	for name, c := range map[string]struct {
		env   []string
		does  string
		code  int
		words []string
	}{
		"unknown address": {[]string{"MUSTER_ADDR=nosuch"}, "inc", 2, []string{`"nosuch" is no context`, "the only context is local"}},
		"another platform": {[]string{"MUSTER_BINARIES=plan9/arm=" + exe}, "inc", 2, []string{
			"is built for plan9/arm", "start it with muster run"}},
		"no Main": {nil, "mainless", 1, []string{`MUSTER_ADDR is "local"`, "call muster.Main in main"}},
		"no Main, a job": {[]string{"MUSTER_ADDR=", "MUSTER_JOB=j"}, "mainless", 1, []string{
			`MUSTER_JOB is "j"`, "call muster.Main in main"}},
		"a function of its own": {nil, "odd", 1, []string{
			`the worker doesn't know the function "odd.there"`, "is it registered under a condition"}},
	} {
		out, code := p.program(exe, append([]string{"MUSTER_ADDR=local"}, c.env...), c.does)
		first, _, _ := strings.Cut(strings.TrimPrefix(out, "calling\n"), "\n")
		if code != c.code || !strings.HasPrefix(first, "muster: ") {
			t.Errorf("%s: exit code %d, want %d:\n%s", name, code, c.code, out)
		}
		for _, w := range c.words {
			if !strings.Contains(first, w) {
				t.Errorf("%s: %q is missing in\n%s", name, w, out)
			}
		}
	}
	const unknown = `errors.Is asks an error from another process for "it is gone" in vain`
	if out := p.want(1, unknown, "run", ".", "gone"); !strings.Contains(out, "call muster.RegisterError for it") {
		t.Error("no remedy:", out)
	}
	p.want(0, "calling\n", "run", "--local", ".", "gone")
	p.want(1, "only Main heeds it: call muster.Main in main", "run", ".", "mainless")
	p.want(1, "only Main heeds it: call muster.Main in main", "run", ".", "opens")
	p.want(1, "muster: <nil>", "run", "--local", ".", "opens")
	p.want(2, "--take-over is about a job", "run", "--take-over", ".", "inc")
}

// A job has one driver, on this machine and on others.
func TestSecondDriver(t *testing.T) {
	t.Parallel()
	p := newPlace(t, wrong)
	p.cleanUp(p.state("state"))
	p.want(0, "the cluster", short("up", "--cpus=2")...)
	first, lines := p.start("run", "--job=nightly", ".", "hold")
	awaitLine(t, lines, "calling")
	out := p.want(2, "muster: job nightly is open in process ", "run", "--job=nightly", ".", "hold")
	if strings.Count(out, "\n") != 1 {
		t.Errorf("more than one line: %s", out)
	}
	elsewhere := *p // another machine's folders
	elsewhere.env = []string{"XDG_CACHE_HOME=" + p.state("elsewhere")}
	out = elsewhere.want(2, `job "nightly" is run by process`, "run", "--job=nightly", ".", "hold")
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, "muster run --take-over") {
		t.Errorf("more than one line, or no remedy: %s", out)
	}
	second, more := elsewhere.start("run", "--job=nightly", "--take-over", ".", "hold")
	awaitLine(t, more, "calling")
	if code := p.exit(first); code == 0 {
		t.Error("the driver whose job was taken succeeded")
	}
	p.want(0, "cancelled nightly", "cancel", "nightly")
	if code := p.exit(second); code == 0 {
		t.Error("the driver of a cancelled job succeeded")
	}
}

// speaks is the build flag by which a program speaks another major version of the protocol.
func speaks(major int) string {
	return fmt.Sprintf("-ldflags=-w -X github.com/musterrun/muster/protocol.major=%d", major)
}

// A program that was built by another major version of the protocol is refused, and says which side is to be upgraded.
func TestAnotherMajor(t *testing.T) {
	t.Parallel()
	p := newPlace(t, wrong)
	p.cleanUp(p.state("state"))
	p.want(0, "the cluster", short("up", "--cpus=1")...)
	exe := p.build("newer", speaks(9))
	out, code := p.program(exe, []string{"MUSTER_ADDR=local"}, "inc")
	want := "this program speaks version 9.0 of the protocol, and the head speaks 1.0: upgrade the head"
	if code != 2 || strings.Count(out, "\n") != 1 || !strings.Contains(out, want) {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// A clock that is off, as its machine sees it: the identity is of tomorrow, or ran out long ago.
func TestClockThatIsOff(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	p.want(0, "the cluster", short("up", "--no-agent")...)
	contexts := join.Contexts{Dir: filepath.Join(p.home, "config", "contexts")}
	for name, offset := range map[string]time.Duration{"behind": 24 * time.Hour, "ahead": -24 * 365 * time.Hour} {
		from := time.Now().Add(offset)
		claims, err := json.Marshal(map[string]int64{"nbf": from.Unix(), "exp": from.Add(time.Hour).Unix()})
		if err != nil {
			t.Fatal(err)
		}
		id, err := contexts.Load("local")
		if err != nil {
			t.Fatal(err)
		}
		id.JWT, id.Join = "e30."+base64.RawURLEncoding.EncodeToString(claims)+".e30", nil // it can't be renewed
		if err := contexts.Save(name, id); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"nodes", "--context", name}, {"doctor", "--context", name}} {
			p.want(1, "and this machine's clock says ", args...)
		}
	}
}

// A full disk is named with what to do, whether the system says so or the head, before it is full.
func TestFullDisk(t *testing.T) {
	p := newEmptyPlace(t)
	disk := p.state("disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	for size, words := range map[string]string{
		"1m":   "no space left on device: make room there, or choose a folder on another disk",
		"300m": "the head's disk is full: " + disk,
	} {
		script := "mount -t tmpfs -o size=" + size + ` none "$1" || exit 99
			"$2" up --state "$1"; code=$?
			"$2" down --force --state "$1"; exit $code`
		cmd := p.command()
		cmd.Path, _ = exec.LookPath("unshare")
		cmd.Args = []string{"unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", disk, cmd.Args[0]}
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 99 || strings.HasPrefix(string(out), "unshare: ") {
			t.Skipf("a disk can't be made here: %s", out)
		}
		first, rest, _ := strings.Cut(string(out), "\n")
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(first, words) || !strings.HasPrefix(rest, "nothing runs here") {
			t.Errorf("%s: %v: %s", size, cmd.ProcessState, out)
		}
	}
}
