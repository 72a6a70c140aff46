package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// What a worker may have: of memory an isolated task's own, of CPUs a share.
func TestLimitOf(t *testing.T) {
	for name, c := range map[string]struct {
		kind kind
		need protocol.Need
		cpus float64
		want limit
	}{
		"shared":              {shared, protocol.Need{CPU: unit, Memory: 1 << 30}, 8, limit{0, 800}},
		"alone":               {alone, protocol.Need{Memory: 1 << 30}, 2, limit{0, 200}},
		"isolated":            {isolated, protocol.Need{CPU: 2 * unit, Memory: 512 << 20}, 8, limit{512 << 20, 200}},
		"isolated, no memory": {isolated, protocol.Need{CPU: unit}, 8, limit{0, 100}},
		"isolated, little":    {isolated, protocol.Need{Memory: 1}, 8, limit{leastMemory, 1}},
		"a large machine":     {shared, protocol.Need{}, 1000, limit{0, mostWeight}},
	} {
		if got := limitOf(c.kind, &c.need, c.cpus); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	files := limit{512 << 20, 200}.files()
	if files["memory.max"] != "536870912" || files["memory.oom.group"] != "1" || files["cpu.weight"] != "200" || files["pids.max"] == "" {
		t.Error(files)
	}
	if got := (limit{0, 1}).files()["memory.max"]; got != "max" {
		t.Error(got)
	}
	if env := (limit{memory: 100 << 20}).env(); len(env) != 1 || env[0] != "GOMEMLIMIT=94371840" || (limit{}).env() != nil {
		t.Error(env)
	}
}

// Who was killed for its memory hears which limit it was.
func TestWordsOfLimits(t *testing.T) {
	l := &limits{node: "n1", memory: 8 << 30}
	for want, got := range map[string]string{
		"was killed by the memory limit of 512 MiB on node n1; give it more by Memory(...)":                    l.words(limit{memory: 512 << 20}, true, true),
		"was killed by the memory limit of 8 GiB for all workers on node n1; say by Memory(...) how much":      l.words(limit{}, true, true),
		"was killed since node n1 had no memory left; say by Memory(...) how much a task needs, so that fewer": l.words(limit{}, false, false),
	} {
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for n, want := range map[int64]string{1: "1 bytes", 64 << 20: "64 MiB", 1 << 30: "1 GiB", 25<<30 + 1: "25.0 GiB", 1500 << 20: "1500 MiB"} {
		if got := inBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// fakeGroups is a folder with the files that are looked at of cgroups.
func fakeGroups(t *testing.T, controllers, own, procs string) cgroups {
	t.Helper()
	c := cgroups{root: t.TempDir(), own: own, pid: 42}
	err := os.MkdirAll(filepath.Join(c.root, own), 0o700)
	if err == nil {
		err = write(c.root, "cgroup.controllers", controllers)
	}
	if err == nil {
		err = write(filepath.Join(c.root, own), "cgroup.procs", procs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func reads(t *testing.T, want string, path ...string) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(path...)); string(got) != want {
		t.Errorf("%s has %q, %v, want %q", filepath.Join(path...), got, err, want)
	}
}

// An agent that has a cgroup to itself goes into one below it, and its workers into others.
func TestDelegated(t *testing.T) {
	c := fakeGroups(t, "cpuset cpu memory pids\n", "/system.slice/muster.service", "42\n")
	l, err := openLimits(c, "n1", 8<<30)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(c.root, c.own)
	if l.base != filepath.Join(own, "muster-n1") {
		t.Error(l.base)
	}
	reads(t, "42", own, "muster-agent-n1", "cgroup.procs")
	reads(t, "+memory", own, "cgroup.subtree_control")
	reads(t, "+memory", l.base, "cgroup.subtree_control")
	reads(t, "8589934592", l.base, "memory.max")
	if err := write(l.base, "memory.events.local", "max 3\noom 2\n"); err != nil {
		t.Fatal(err)
	}
	g, err := l.make(limit{memory: 512 << 20, weight: 100})
	if err != nil {
		t.Fatal(err)
	}
	reads(t, "536870912", l.base, "1", "memory.max")
	if err := g.take(77); err != nil {
		t.Fatal(err)
	}
	reads(t, "77", l.base, "1", "cgroup.procs")
	for _, c := range []struct{ own, all, want string }{
		{"", "oom 2\n", ""}, {"oom 0\noom_kill 0\n", "oom 2\n", ""},
		{"low 0\noom 1\noom_kill 3\n", "oom 2\n", "limit of 512 MiB on node n1"},
		{"oom 0\noom_kill 1\n", "max 9\noom 3\n", "limit of 8 GiB for all workers on node n1"},
		{"oom 0\noom_kill 1\n", "oom 2\n", "node n1 had no memory left"},
	} {
		if err := write(g.path, "memory.events", c.own); err != nil {
			t.Fatal(err)
		}
		if err := write(l.base, "memory.events.local", c.all); err != nil {
			t.Fatal(err)
		}
		if got := g.killed(); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%q: %q, want %q", c.own, got, c.want)
		}
	}
}

// Without a cgroup of its own an agent makes one at the top, if it is root; else it says what to do.
func TestWhereLimitsAre(t *testing.T) {
	others := fakeGroups(t, "memory", "/user.slice/session-1.scope", "1\n42\n")
	if _, err := openLimits(others, "n1", 0); err == nil || !strings.HasSuffix(err.Error(), remedyRights) {
		t.Error(err)
	}
	others.admin = true
	l, err := openLimits(others, "n1", 0)
	if err != nil || l.base != filepath.Join(others.root, "muster-n1") {
		t.Fatal(l, err)
	}
	reads(t, "max", l.base, "memory.max")
	v1 := fakeGroups(t, "hugetlb", "/", "42\n")
	if _, err := openLimits(v1, "n1", 0); err == nil || !strings.HasSuffix(err.Error(), remedyV2) {
		t.Error(err)
	}
	if _, err := openLimits(cgroups{root: t.TempDir(), own: "/", pid: 42}, "n1", 0); err == nil || !strings.HasSuffix(err.Error(), remedyV2) {
		t.Error(err)
	}
	var none *limits
	g, err := none.make(limit{})
	if g != nil || err != nil || g.take(os.Getpid()) != nil || g.killed() != "" {
		t.Error("without limits something is done: ", g, err, strconv.Itoa(os.Getpid()))
	}
	g.end()
	none.close()
}
