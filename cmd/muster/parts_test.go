package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

func TestAfter(t *testing.T) {
	event := func(n int, text string) protocol.ClusterEvent {
		return protocol.ClusterEvent{Time: time.Unix(int64(n), 0), Kind: "k", Text: text}
	}
	all := []protocol.ClusterEvent{event(1, "a"), event(1, "b"), event(2, "c")}
	for _, c := range []struct {
		last protocol.ClusterEvent
		want int
	}{{protocol.ClusterEvent{}, 3}, {all[0], 2}, {all[1], 1}, {all[2], 0}, {event(9, "gone"), 3}} {
		if got := after(all, c.last); len(got) != c.want {
			t.Errorf("after %v: %d events, want %d", c.last, len(got), c.want)
		}
	}
}

func TestSkew(t *testing.T) {
	began, took := time.Unix(1000, 999_000_000), 10*time.Millisecond
	for head, want := range map[int64]time.Duration{
		1000: 0, 1001: 0, 999: -time.Second, 1002: time.Second - 9*time.Millisecond + 0, 4600: 3600*time.Second - 1009*time.Millisecond,
	} {
		if got := skewOf(time.Unix(head, 0), began, took); got != want {
			t.Errorf("the head says %d: %v, want %v", head, got, want)
		}
	}
	d := &diagnosis{}
	d.skew(0)
	d.skew(-time.Minute)
	d.skew(2 * time.Hour)
	var out bytes.Buffer
	if err := d.print(&out); err != nil || !d.bad() {
		t.Error(err, d.findings)
	}
	for _, want := range []string{"agrees", "1m0s ahead of the head's: set the clocks right", "2h0m0s behind the head's"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestShipped(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"data/a.csv", "data/deep/b.csv", "model.bin", "x=y", "other/model.bin"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	got, err := shipped([]string{at("data"), at("model.bin")})
	want := []string{"data/a.csv=" + at("data/a.csv"), "data/deep/b.csv=" + at("data/deep/b.csv"), "model.bin=" + at("model.bin")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, with := range [][]string{{at("nosuch")}, {at("x=y")}, {at("model.bin"), at("other/model.bin")}} {
		if got, err := shipped(with); err == nil {
			t.Errorf("%q: got %q", with, got)
		}
	}
}

func TestEnvList(t *testing.T) {
	sep := string(filepath.ListSeparator)
	if got, err := envList("A", []string{"x=1", "y=2"}); got != "A=x=1"+sep+"y=2" || err != nil {
		t.Error(got, err)
	}
	if got, err := envList("A", nil); got != "A=" || err != nil {
		t.Error(got, err)
	}
	for _, list := range [][]string{{"a" + sep + "b"}, {strings.Repeat("x", mostEnv+1)}} {
		if _, err := envList("A", list); err == nil {
			t.Errorf("%.10q is accepted", list)
		}
	}
}

func TestOtherPlatforms(t *testing.T) {
	own := ownPlatform()
	got := otherPlatforms([]protocol.NodeInfo{
		{OS: own.system, Arch: own.arch, Alive: true}, {OS: "plan9", Arch: "arm", Alive: true},
		{OS: "plan9", Arch: "arm", Alive: true}, {OS: "aix", Arch: "ppc64"},
	})
	if !slices.Equal(got, []platform{{"plan9", "arm"}}) {
		t.Error(got)
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		data  string
		atEnd bool
		want  int
	}{{"", false, 0}, {"a\nb", false, 2}, {"a\nb", true, 3}, {"ab", false, 2}, {"a\n", false, 2}} {
		if got := wholeLines([]byte(c.data), c.atEnd); got != c.want {
			t.Errorf("%q: %d, want %d", c.data, got, c.want)
		}
	}
	var out bytes.Buffer
	if err := printLines(&out, "n1: ", []byte("a\n\nb")); err != nil || out.String() != "n1: a\nn1: \nn1: b\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// A process in the background gets the flags that were given, and a later one too.
func TestAgentFlags(t *testing.T) {
	given := agentFlags{
		cpus: 2, gpus: -1, memory: "1GiB", resources: []string{"seats=1"}, labels: []string{"zone=a"}, allowUsers: true, workerUser: "work",
		drain: time.Minute,
	}
	state := daemon.Folder(t.TempDir())
	if err := given.remember(state); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"in the background": given.args(), "later": nil, "but for one": {"--cpus=3"}} {
		var f agentFlags
		cmd := &cobra.Command{}
		f.add(cmd)
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		if err := f.recall(cmd, state); err != nil {
			t.Fatal(err)
		}
		want := given
		if name == "but for one" {
			want.cpus = 3
		}
		if !reflect.DeepEqual(f, want) {
			t.Errorf("%s: %+v, want %+v", name, f, want)
		}
	}
}

// Whom nodes serve, and why they don't serve who asks, if none does.
func TestWhomNodesServe(t *testing.T) {
	one := protocol.NodeInfo{Name: "one", Users: "admin", Alive: true}
	one.Refusal = one.Refuse("ann")
	all := protocol.NodeInfo{Name: "all", Users: protocol.UsersAll, Alive: true}
	some := protocol.NodeInfo{Name: "some", Users: protocol.UsersAccounts, Alive: true, Refuses: map[string]string{"ann": "no account"}}
	for want, n := range map[string]protocol.NodeInfo{"admin": one, "all": all, "accounts": some, "-": {}} {
		if got := serves(n); got != want {
			t.Errorf("%s is said to serve %q, want %q", n.Name, got, want)
		}
	}
	if one.Refuse("admin") != "" || all.Refuse("ann") != "" || some.Refuse("bob") != "" || some.Refuse("ann") != "no account" {
		t.Error("nodes refuse whom they serve, or serve whom they refuse")
	}
	if why := noneServes([]protocol.NodeInfo{one, {Name: "dead"}}); !strings.Contains(why, "one: it serves the jobs of user admin alone") {
		t.Errorf("none serves: %q", why)
	}
	if why := noneServes([]protocol.NodeInfo{one, all}); why != "" {
		t.Errorf("one serves, and it is said that %q", why)
	}
}

func TestFindNode(t *testing.T) {
	nodes := []protocol.NodeInfo{{Node: "n1", Name: "a"}, {Node: "n2", Name: "b"}, {Node: "n3", Name: "b"}}
	for name, want := range map[string]string{"n3": "n3", "a": "n1"} {
		if got, err := findNode(nodes, name); got.Node != want || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, name := range []string{"b", "x"} {
		if _, err := findNode(nodes, name); err == nil {
			t.Errorf("%s is found", name)
		}
	}
}

func TestForPeople(t *testing.T) {
	for got, want := range map[string]string{
		amount(1.50): "1.5", amount(2): "2", amount(0.004): "0", cpus(1): "1 CPU", cpus(2.5): "2.5 CPUs",
		ordinal(1): "1st driver", ordinal(12): "12th driver", ordinal(23): "23rd driver",
		thousands(1234567): "1,234,567", thousands(999): "999", thousands(1000): "1,000",
		lasts(1234 * time.Millisecond): "1.23s", lasts(90 * time.Second): "1m30s", lasts(-1): "-", megabytes(0): "-",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Each flag of up is of the head, of the agent, or of the command itself: it can't be given in vain without a word.
func TestFlagsOfUp(t *testing.T) {
	known := slices.Concat(flagsOfHead, flagsOfAgent, []string{"state", "json", "foreground", "no-agent", "help"})
	for line := range strings.Lines(newUp().UsageString()) {
		if _, name, ok := strings.Cut(line, "--"); ok && strings.HasPrefix(line, "  ") {
			if name, _, _ = strings.Cut(name, " "); !slices.Contains(known, strings.TrimSpace(name)) && strings.HasPrefix(line, "      --") {
				t.Errorf("--%s is in no list", name)
			}
		}
	}
}
