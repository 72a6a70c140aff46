package agent

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// asRoot skips a test unless it is root, and gives an account that isn't.
func asRoot(t *testing.T) *account {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to start workers under other accounts")
	}
	nobody, err := findAccount("nobody")
	if err != nil {
		t.Skipf("needs the account nobody: %v", err)
	}
	if err := nobody.do(func() error { return nil }); err != nil {
		t.Skipf("needs to be allowed to work under other accounts: %v", err)
	}
	return nobody
}

// passable is a temporary one that everybody may pass through.
func passable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func owner(name string) func(*protocol.JobInfo) {
	return func(i *protocol.JobInfo) { i.Owner = name }
}

// Each user's workers run under that user's account, in folders of its own; the agent's own user's as the agent does.
func TestAccounts(t *testing.T) {
	nobody := asRoot(t)
	c := startCluster(t)
	log := &memo{}
	a := c.startAgent(func(c *Config) {
		c.StateDir, c.Logger = passable(t), slog.New(slog.NewTextHandler(log, nil))
	})
	data := []byte("hello")
	c.blobs[object.ID(data)] = data
	k := c.open("j1", func(i *protocol.JobInfo) {
		i.Owner = "nobody"
		i.Files = []protocol.File{{Path: "conf/a.txt", Mode: 0o640, Hash: object.ID(data), Size: 5}}
	})
	ask := k.task("whoami", "")
	k.give(ask)
	want := fmt.Sprint(nobody.uid, " ", nobody.gid, " ", nobody.groups, " ", nobody.home, " true false")
	if got := string(k.outcome(ask).Value.Data); got != want {
		t.Errorf("a worker runs as %q, want %q", got, want)
	}
	dir := a.folder.job("j1")
	for _, name := range []string{"", "tmp", "objects", "conf", "conf/a.txt"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; int(uid) != nobody.uid || info.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%q is %d's, %v", name, uid, info.Mode())
		}
	}
	big := k.task("big", "100000")
	k.give(big)
	o := k.outcome(big)
	read := k.task("read", "")
	read.Deps = []protocol.Dep{{Value: o.Value}, {Value: protocol.Value{Form: protocol.Object, ID: object.ID(data), Size: 5}}}
	k.give(read)
	if o := k.outcome(read); string(o.Value.Data) != "100000" {
		t.Errorf("read %q", o.Value.Data)
	}

	own := c.open("j2", nil)
	ask = own.task("whoami", "")
	own.give(ask)
	if got := string(own.outcome(ask).Value.Data); !strings.HasPrefix(got, "0 0 ") {
		t.Errorf("the worker of the agent's own user runs as %q", got)
	}

	c.open("j3", owner("no-such-account"))
	within(t, "the refusal", func() bool { return log.count("isn't served: it has no account no-such-account") == 1 })
	refuses := a.info().Refuses
	if len(refuses) != 1 || !strings.Contains(refuses["no-such-account"], "--worker-user") {
		t.Errorf("the report has %v", refuses)
	}
	a.mu.Lock()
	j := a.jobs["j1"]
	a.end(j, "the test is done with it")
	a.mu.Unlock()
	within(t, "the end of the job's folder", func() bool {
		left, _ := filepath.Glob(dir + "*")
		return len(left) == 0
	})
}

// What a user's program puts in the agent's way in the job's folder gives it nothing that the user may not have.
func TestLinksLeadNowhere(t *testing.T) {
	asRoot(t)
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.StateDir = passable(t) })
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := c.open("j1", owner("nobody"))
	task := k.task("link", secret)
	k.give(task)
	o := k.outcome(task)
	if o.Status != protocol.Failed || !strings.Contains(string(o.Value.Data), "permission denied") {
		t.Errorf("the agent follows a link: %v %q", o.Status, o.Value.Data)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.blobs[object.ID([]byte("secret"))]; ok {
		t.Error("the head has the secret")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.jobs["j1"].account == nil {
		t.Error("the job runs under no account")
	}
}

// An agent whose folder can't be entered by an account says so, and how to help.
func TestFolderIsClosed(t *testing.T) {
	asRoot(t)
	c := startCluster(t)
	log := &memo{}
	c.startAgent(func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) }) // t.TempDir's parent is its owner's alone
	c.open("j1", owner("nobody"))
	within(t, "the refusal", func() bool {
		return log.count("isn't served: its account nobody can't enter the agent's folder") == 1 && log.count("--state /var/lib/muster") == 1
	})
}

// An account's operations are its own, and the agent's come back.
func TestAccountDo(t *testing.T) {
	nobody := asRoot(t)
	dir := t.TempDir()
	for range 100 {
		err := nobody.do(func() error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) })
		if !os.IsPermission(err) {
			t.Fatalf("nobody writes into a folder of root's: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
