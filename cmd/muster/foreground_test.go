//go:build linux

package main

import (
	"os"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// Both run in one process until they are told to end; a second machine's agent too.
func TestForeground(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("second"), p.state("state"))
	up, lines := p.start(short("up", "--foreground")...)
	awaitLine(t, lines, "muster down, or Ctrl-C there")
	p.want(1, "the head runs already", short("up", "--foreground")...)
	token := read[protocol.TokenInfo](p, "token", "new", "--json").Token
	second, more := p.start(short("join", "--foreground", "--state", p.state("second"), "--token", token)...)
	awaitLine(t, more, "this machine is node")
	if nodes := read[[]protocol.NodeInfo](p, "nodes", "--json"); len(nodes) != 2 {
		t.Errorf("nodes: %+v", nodes)
	}
	p.want(0, "stopped the agent", "down", "--state", p.state("second"))
	if code := p.exit(second); code != 0 {
		t.Errorf("join: exit code %d", code)
	}
	_ = up.Process.Signal(os.Interrupt) // it runs
	if code := p.exit(up); code != 0 {
		t.Errorf("up: exit code %d", code)
	}
	p.want(0, "nothing runs here", "down")
}
