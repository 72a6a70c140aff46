//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

// short is a command that lets what takes seconds on a real cluster take part of one.
func short(args ...string) []string { return append(args, "--renew=100ms", "--dead=1s", "--ask=500ms") }

// processes are those whose command line has a text, without those that have ended and were not waited for.
func processes(t testing.TB, text string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range all {
		if line, err := os.ReadFile(name); err == nil && strings.Contains(string(line), text) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// cleanUp stops what a test that failed has left, and checks that there is nothing else.
func (p *place) cleanUp(states ...string) {
	p.t.Cleanup(func() {
		for _, s := range states {
			if out, code := p.muster("down", "--force", "--state", s); code != 0 {
				p.t.Error(out)
			}
		}
		if left := processes(p.t, p.home); len(left) > 0 {
			p.t.Errorf("left behind: %q", left)
		}
		if left, _ := os.ReadDir(p.state("tmp")); len(left) > 0 {
			p.t.Errorf("left behind: %v", left)
		}
	})
}

func read[T any](p *place, args ...string) T {
	p.t.Helper()
	var v T
	out := p.want(0, "", args...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		p.t.Fatalf("muster %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
	return v
}

// A cluster of one machine, and a second one that joins and leaves.
func TestUpJoinLeaveDown(t *testing.T) {
	p := newEmptyPlace(t)
	second := p.state("second")
	p.cleanUp(second, p.state("state"))
	p.want(0, "nothing runs here", "down")
	p.want(1, "there is no current context: start a cluster with muster up", "nodes")
	p.want(0, "another machine joins by", short("up", "--cpus=3", "--memory=1GiB", "--resource=licences=2", "--label=zone=a")...)
	up := read[upJSON](p, "up", "--json")
	if !up.Already || up.Head.PID == 0 || up.Agent == nil || up.Agent.PID == up.Head.PID || up.Context != "local" {
		t.Errorf("up: %+v", up)
	}
	p.want(0, up.Token, "up")
	if tokens := read[[]protocol.TokenInfo](p, "token", "ls", "--json"); len(tokens) != 1 || tokens[0].Left != up.Uses {
		t.Errorf("tokens: %+v", tokens)
	}
	nodes := read[[]protocol.NodeInfo](p, "nodes", "--json")
	if len(nodes) != 1 || !nodes[0].Alive || nodes[0].CPUs != 3 || nodes[0].Named["licences"] != 20_000 || nodes[0].Labels["zone"] != "a" {
		t.Errorf("nodes: %+v", nodes)
	}
	p.want(0, "licences=2 zone=a", "nodes")
	p.want(0, "*  local", "context", "ls")
	p.want(0, "removed local", "context", "rm", "local")
	p.want(0, "was up already", "up")
	p.want(1, "--addr, --cpus: what runs already was started otherwise, and stays so: muster down, and up again\n",
		"up", "--cpus=1", "--addr=127.0.0.1:1", "--label=zone=a")
	p.want(0, "was up already", "up", "--cpus=3", "--label=zone=a", "--context=local")
	p.want(0, "--sync: what runs already is as it was started: muster down, and up again, if that was otherwise\n", "up", "--sync=5s")
	if nodes := read[[]protocol.NodeInfo](p, "nodes", "--json"); len(nodes) != 1 || nodes[0].CPUs != 3 {
		t.Errorf("nodes: %+v", nodes)
	}
	p.joinAndLeave(second)
	p.users()
	p.want(0, "identity.joined", "events")
	p.want(0, "context local: ", "top", "--once")
	p.want(0, "clock", "doctor")
	p.want(0, "stopped the agent\nstopped the head\n", "down")
	if _, err := net.Dial("tcp", up.Addr); err == nil {
		t.Errorf("something listens at %s still", up.Addr)
	}
	if left := processes(t, p.home); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	p.want(0, "nothing runs here", "down")
	p.want(1, "there is no current context", "nodes")
}

func (p *place) joinAndLeave(second string) {
	p.t.Helper()
	token := read[protocol.TokenInfo](p, "token", "new", "--json", "--uses=1").Token
	join := short("join", "--state", second, "--token", token, "--cpus=2", "--resource=seats=1", "--label=zone=b")
	p.want(0, "this machine is node", join...)
	p.want(1, "this machine's agent runs already", join...)
	if nodes := read[[]protocol.NodeInfo](p, "nodes", "--json"); len(nodes) != 2 || !nodes[0].Alive || !nodes[1].Alive {
		p.t.Errorf("nodes: %+v", nodes)
	}
	p.want(0, "stopped the agent", "down", "--state", second)
	p.want(0, "  stopped  ", "nodes")
	p.want(0, "node.stopped", "events")
	p.want(0, "this machine is node", short("join", "--state", second, "--label=")...)
	p.gives(2, 1, 0)
	p.want(0, "stopped the agent", "down", "--state", second)
	p.want(0, "this machine is node", short("join", "--state", second, "--cpus=1")...)
	p.gives(1, 1, 0)
	p.want(0, "this machine was node", "leave", "--state", second)
	p.want(0, "this machine is no node", "leave", "--state", second)
	p.want(1, "the join token has been used as often as it may be", join...)
	p.want(2, "this machine hasn't joined a cluster", "join", "--state", second)
	if left := processes(p.t, second); len(left) > 0 {
		p.t.Errorf("left behind: %q", left)
	}
}

// gives checks what the second machine gives, which has no licences.
func (p *place) gives(cpus float64, seats, labels int) {
	p.t.Helper()
	for _, n := range read[[]protocol.NodeInfo](p, "nodes", "--json") {
		if n.Named["licences"] == 0 && (n.CPUs != cpus || len(n.Named) != seats || len(n.Labels) != labels) {
			p.t.Errorf("it gives %+v", n)
		}
	}
}

func (p *place) users() {
	p.t.Helper()
	token := read[protocol.TokenInfo](p, "token", "new", "--json", "--role=user", "--user=ann")
	p.want(0, token.ID, "token", "ls")
	p.want(0, "you are ann of cluster", "join", "--token", token.Token, "--context", "ann")
	p.want(1, "ann may not ask for token.ls: its role is user", "token", "ls", "--context", "ann")
	p.want(0, "no jobs on the cluster of context ann", "jobs")
	p.want(0, "user bob: weight 2, at most 8 CPUs; any number of jobs\nbob hasn't joined",
		"user", "add", "bob", "--weight=2", "--cpus=8", "--context", "local")
	p.want(0, "user bob: weight 2, at most 8 CPUs, 2 GPUs, 1.5 GiB of memory, 3 of seat; at most 3 jobs",
		"user", "add", "bob", "--jobs=3", "--gpus=2", "--memory=1536MiB", "--resource=seat=3", "--context", "local")
	p.want(0, "at most 8 CPUs, 2 GPUs, 3 of seat;", "user", "add", "bob", "--memory=0", "--context", "local")
	p.want(2, `"x" is no size`, "user", "add", "bob", "--memory=x", "--context", "local")
	p.want(1, "ann may not ask for user.put", "user", "add", "ann", "--weight=2", "--context", "ann")
	p.want(2, "a weight is above 0", "user", "add", "bob", "--weight=0", "--context", "local")
	if users := read[[]protocol.UserInfo](p, "user", "ls", "--json", "--context", "local"); len(users) != 3 || users[2].Jobs != 3 ||
		users[2].GPUs != 2 || users[2].Named["seat"] != 3*perUnit {
		p.t.Errorf("users: %+v", users)
	}
	p.want(0, "bob    -      2       0     8   0     2   0 B     -   seat 0 of 3  0     3   0 %", "user", "ls", "--context", "local")
	p.want(0, "removed user bob", "user", "rm", "bob", "--context", "local")
	p.want(0, "revoked ann", "identity", "revoke", "ann", "--context", "local")
	p.want(1, "join again with a new token", "nodes")
	p.want(0, "removed ann", "context", "rm", "ann")
	p.want(0, "", "context", "use", "local")
	p.want(0, "revoked", "token", "revoke", token.ID)
	p.want(1, "there is no join token", "token", "revoke", token.ID)
}

// What is wrong is said in one line, with what to do, and the exit code isn't 0.
func TestBadInputOfClusters(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	closed := closedPort(t)
	line := func(code int, contains string, args ...string) {
		t.Helper()
		out := p.want(code, contains, args...)
		if strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "muster: ") {
			t.Errorf("muster %s: more than one line: %s", strings.Join(args, " "), out)
		}
	}
	line(2, "--cpus -1", "up", "--cpus=-1")
	line(2, `"x" is no address`, "up", "--addr=x")
	line(2, "--sync", "up", "--sync=often")
	line(2, "at least 1MiB, or 0 for no history", "up", "--history-limit=5k")
	line(2, `"x" is no address`, "up", "--metrics=x")
	line(2, "--resource", "join", "--resource=x")
	line(1, "isn't a join token", "join", "--token=x")
	line(2, "join needs a token", "join", "127.0.0.1:1")
	p.want(0, "the cluster", short("up", "--no-agent", "--context=home")...)
	token := read[protocol.TokenInfo](p, "token", "new", "--json").Token
	second := p.state("second")
	line(2, `"x" is no address`, "join", "x", "--token", token)
	line(1, "nothing listens there", "join", closed, "--state", second, "--token", token)
	line(1, "has been altered", "join", "--state", second, "--token", token[:len(token)-4]+"AAAA")
	expired := read[protocol.TokenInfo](p, "token", "new", "--json", "--life=1ns").Token
	line(1, "the join token expired at", "join", "--state", second, "--token", expired)
	line(1, "there is no job nosuch on the cluster", "job", "show", "nosuch")
	line(1, "there is no job nosuch on the cluster", "cancel", "nosuch")
	line(1, "there is no job nosuch on the cluster", "logs", "nosuch")
	line(2, "both must be above 0", "token", "new", "--uses=-1")
	line(2, "--cpus -1: a limit is above 0", "user", "add", "bob", "--cpus=-1")
	line(2, "--gpus NaN: a limit is above 0", "user", "add", "bob", "--gpus=nan")
	line(2, "--jobs -1: a limit is above 0", "user", "add", "bob", "--jobs=-1")
	line(1, "role \"king\"", "token", "new", "--role=king")
	line(1, "there is no context \"nope\"", "nodes", "--context=nope")
	p.env = []string{"MUSTER_ADDR=" + closed}
	line(1, "no context has the address "+closed, "nodes")
	p.env = nil
	p.killed(second, token, line)
}

// killed is about a head that was killed: what says that it runs is not believed.
func (p *place) killed(second, token string, line func(int, string, ...string)) {
	p.t.Helper()
	up := read[upJSON](p, "up", "--json", "--no-agent")
	head, err := os.FindProcess(up.Head.PID)
	if err == nil {
		err = head.Kill()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.gone(serviceHead); err != nil {
		p.t.Fatal(err)
	}
	line(1, "nothing listens there", "nodes")
	line(1, "nothing listens there", "join", "--state", second, "--token", token)
	p.want(0, "nothing runs here", "down")
	again := read[upJSON](p, short("up", "--json", "--no-agent", "--context=home")...)
	if again.Cluster != up.Cluster || again.Addr != up.Addr || again.Head.PID == up.Head.PID || again.Already {
		p.t.Errorf("started again: %+v, was %+v", again, up)
	}
	p.want(0, "no nodes", "nodes")
}

// gone waits until a service's process has ended.
func (p *place) gone(name string) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), watchdog)
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		_, running, err := daemon.Folder(p.state("state")).Running(name)
		if err != nil || !running {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}

// A head that was killed, as by a power cut, leaves a context that leads nowhere, until down is asked.
func TestDownAfterTheHeadWasKilled(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	p.want(0, "another machine joins by", short("up")...)
	up := read[upJSON](p, "up", "--json")
	for _, pid := range []int{up.Head.PID, up.Agent.PID} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.gone(serviceHead), p.gone(serviceAgent)); err != nil {
		t.Fatal(err)
	}
	p.want(1, "muster up on its machine", "nodes")
	p.want(0, "nothing runs here", "down")
	p.want(1, "there is no current context", "nodes")
}

// A head that was killed while the machine's agent stays is started again beside it, as it is on a machine of its own.
func TestUpAfterTheHeadAloneWasKilled(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	p.want(0, "another machine joins by", short("up")...)
	up := read[upJSON](p, "up", "--json")
	p.killHead(up.Head.PID)
	again := read[upJSON](p, short("up", "--json")...)
	if again.Cluster != up.Cluster || again.Addr != up.Addr || again.Head.PID == up.Head.PID || again.Agent.PID != up.Agent.PID {
		t.Errorf("started again: %+v, was %+v", again, up)
	}
	p.killHead(again.Head.PID)
	p.want(0, "stopped the agent", "down", "--force")
	p.want(1, "there is no current context", "nodes")
}

func (p *place) killHead(pid int) {
	p.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	if err := p.gone(serviceHead); err != nil {
		p.t.Fatal(err)
	}
}

// Two that start the same cluster at once: one starts it, and the other finds it up.
func TestUpTwiceAtOnce(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	var outs [3]bytes.Buffer
	var ups []*exec.Cmd
	for i := range outs {
		up := p.command(short("up", "--json")...)
		up.Stdout, up.Stderr = &outs[i], &outs[i]
		if err := up.Start(); err != nil {
			t.Fatal(err)
		}
		ups = append(ups, up)
	}
	first := 0
	heads := map[int]bool{}
	for i, up := range ups {
		var said upJSON
		if err := errors.Join(up.Wait(), json.Unmarshal(outs[i].Bytes(), &said)); err != nil {
			t.Errorf("%v: %s", err, &outs[i])
		}
		if heads[said.Head.PID] = true; !said.Already {
			first++
		}
	}
	if first != 1 || len(heads) != 1 {
		t.Errorf("%d have started it, and there are the heads %v", first, heads)
	}
	p.want(0, "stopped the head", "down")
}
