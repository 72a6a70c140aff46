//go:build linux

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// The table is in the documentation, and in the help.
func TestExitCodesAreTold(t *testing.T) {
	doc, err := os.ReadFile("../../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	out := newEmptyPlace(t).want(0, "The exit codes of all commands", "help", "exit-codes")
	for _, c := range exitCodes {
		if row := "| " + c.code + " | " + c.meaning + " |\n"; !strings.Contains(string(doc), row) {
			t.Errorf("docs/cluster.md lacks the row\n%s", row)
		}
		if !strings.Contains(out, strings.ReplaceAll(c.meaning, "`", "")) {
			t.Errorf("muster help exit-codes lacks %q", c.meaning)
		}
	}
}

// A program that is ended by a signal has the exit code by which shells count that; a killed one has failed.
func TestExitCodesOfSignals(t *testing.T) {
	t.Parallel()
	p := newPlace(t, wrong)
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		run, lines := p.startIn(syscall.SysProcAttr{Setpgid: true}, "run", "--local", ".", "hold")
		awaitLine(t, lines, "calling")
		to := run.Process.Pid
		if sig == syscall.SIGINT {
			to = -to // a terminal sends it to all of them
		}
		if err := syscall.Kill(to, sig); err != nil {
			t.Fatal(err)
		}
		if code := p.exit(run); code != want {
			t.Errorf("%v: exit code %d, want %d", sig, code, want)
		}
	}
}

// What stands on the cluster is completed, as often as a command takes it, and each once.
func TestCompletion(t *testing.T) {
	t.Parallel()
	p := newPlace(t, wrong)
	p.cleanUp(p.state("state"))
	p.want(0, "the cluster", short("up", "--cpus=2")...)
	token := read[protocol.TokenInfo](p, "token", "new", "--json", "--role=user", "--user=ann").ID
	driver, lines := p.start("run", "--job=nightly", ".", "hold")
	awaitLine(t, lines, "calling")
	node := read[[]protocol.NodeInfo](p, "nodes", "--json")[0].Node
	for words, want := range map[string]string{
		"cancel": "nightly\n", "logs": "nightly\n", "job show": "nightly\n", "job rm": "nightly\n", "job cancel": "nightly\n",
		"logs nightly --node": node + "\t", "logs --context": "local\n", "context use": "local\n", "context rm": "local\n",
		"token revoke": token + "\tuser ann\n", "token new --role": "agent\nuser\nadmin\n", "identity revoke": node + "\tagent of ",
	} {
		p.want(0, want, append(append([]string{"__complete"}, strings.Fields(words)...), "")...)
	}
	for _, args := range [][]string{{"cancel", "nightly"}, {"logs", "nightly"}, {"context", "use", "local"}} {
		if out := p.want(0, "", append(append([]string{"__complete"}, args...), "")...); !strings.HasPrefix(out, ":4\n") {
			t.Errorf("%v is completed twice: %s", args, out)
		}
	}
	p.want(0, "bash completion", "completion", "bash")
	p.want(0, "cancelled nightly", "cancel", "nightly")
	p.exit(driver)
	p.want(0, "stopped the head", "down")
	p.want(0, ":4\n", "__complete", "cancel", "") // without a cluster there is nothing, and no error in the user's line
}
