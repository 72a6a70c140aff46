package engine

import (
	"testing"

	"github.com/musterrun/muster/protocol"
)

func TestPiece(t *testing.T) {
	of := func(fn uint32) protocol.Task { return protocol.Task{Func: fn} }
	with := protocol.Task{Deps: make([]protocol.Dep, 1)}
	many := make([]protocol.Task, 2*atOnce)
	for _, c := range []struct {
		name string
		list []protocol.Task
		want int
	}{
		{"one", []protocol.Task{of(0)}, 1},
		{"alike", []protocol.Task{of(3), of(3)}, 2},
		{"another function", []protocol.Task{of(3), of(3), of(4), of(3)}, 2},
		{"too many", many, atOnce},
		{"with a value", []protocol.Task{with, of(0)}, 1},
		{"before one with a value", []protocol.Task{of(0), of(0), with}, 2},
	} {
		if got := piece(c.list); got != c.want {
			t.Errorf("%s: %d of %d, want %d", c.name, got, len(c.list), c.want)
		}
	}
}
