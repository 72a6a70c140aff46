package dispatch

import (
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

func TestRollCall(t *testing.T) {
	now := time.Now()
	nodes := &protocol.ClusterDigest{Nodes: []protocol.NodeDigest{{Node: "a"}, {Node: "b"}, {Node: "c", Dead: true}}}
	for name, steps := range map[string][]func(*RollCall) bool{
		"all have answered before the digest": {
			func(r *RollCall) bool { return !r.Answer("a") && !r.Answer("b") },
			func(r *RollCall) bool { return r.Digest(nodes) && r.over },
		},
		"the last one answers after it": {
			func(r *RollCall) bool { return !r.Answer("a") && !r.Digest(nodes) && !r.Answer("a") && !r.over },
			func(r *RollCall) bool { return r.Answer("b") && r.over && !r.Answer("b") },
		},
		"one doesn't answer": {
			func(r *RollCall) bool { return !r.Digest(nodes) && !r.Late(now.Add(rollCallFor-1)) },
			func(r *RollCall) bool { return r.Late(now.Add(rollCallFor)) && r.over && !r.Late(now.Add(rollCallFor)) },
		},
		"no digest comes": {
			func(r *RollCall) bool { return !r.Answer("a") && r.Late(now.Add(rollCallFor)) && !r.Digest(nodes) },
		},
	} {
		r := NewRollCall(2, now)
		for i, step := range steps {
			if !step(&r) {
				t.Errorf("%s: step %d", name, i)
			}
		}
	}
	if r := NewRollCall(1, now); !r.over {
		t.Error("a job that begins waits for nodes")
	}
}
