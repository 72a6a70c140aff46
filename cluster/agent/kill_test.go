//go:build unix

package agent

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// agentVariable makes the test binary an agent: the server's address and the agent's folder.
const agentVariable = "MUSTER_TEST_AGENT"

func beAgent(ctx context.Context) {
	flag.Parse() // testing.Verbose insists
	url, dir, _ := strings.Cut(os.Getenv(agentVariable), "|")
	conn, err := dial(url)
	if err != nil {
		panic(err)
	}
	a, err := Start(ctx, testConfig(conn, "n1", dir))
	if err != nil {
		panic(err)
	}
	fmt.Println("started")
	<-a.Done()
}

// An agent is killed: its workers end at once, and its successor ends what is left of them before it takes tasks.
func TestAgentIsKilled(t *testing.T) {
	c := startCluster(t)
	dir := t.TempDir()
	path, _ := self()
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), agentVariable+"="+c.url()+"|"+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	k := c.open("j1", nil)
	child := k.task("child", "")
	k.give(child)
	grandchild, _ := strconv.Atoi(string(k.outcome(child).Value.Data))
	deaf := k.task("deaf", "") // a worker that is stopped doesn't notice that its socket has ended
	k.give(deaf)
	var pid int
	within(t, "a worker that is stopped", func() bool {
		entries, _ := os.ReadDir(filepath.Join(dir, "workers"))
		for _, e := range entries {
			pid, _ = strconv.Atoi(e.Name())
		}
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return strings.Contains(string(stat), ") T ")
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	within(t, "the worker's end", func() bool { return gone(pid) })
	if gone(grandchild) {
		t.Fatal("what a task has started is gone already: the test shows nothing")
	}
	k.mu.Lock()
	k.parked = nil // the dead agent's
	k.mu.Unlock()
	c.startAgent(func(cfg *Config) { cfg.StateDir = dir })
	within(t, "the end of what the task has started", func() bool { return gone(grandchild) })
	again := k.task("echo", "x")
	k.give(again)
	k.outcome(again)
}

// A process that has a noted number by chance is left alone.
func TestStrangersAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if err := os.MkdirAll(filepath.Join(dir, "workers"), 0o700); err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(dir, "workers", strconv.Itoa(cmd.Process.Pid))
	if err := os.WriteFile(note, []byte("another boot 123"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(dir, false, testConfig(nil, "n1", dir).Logger)
	if err != nil {
		t.Fatal(err)
	}
	f.close()
	if gone(cmd.Process.Pid) {
		t.Error("it was killed")
	}
	if _, err := os.Stat(note); err == nil {
		t.Error("the note is still there")
	}
}
