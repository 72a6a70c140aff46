package remote

import (
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

func TestRollCall(t *testing.T) {
	now := time.Now()
	nodes := &protocol.ClusterDigest{Nodes: []protocol.NodeDigest{{Node: "a"}, {Node: "b"}, {Node: "c", Dead: true}}}
	for name, steps := range map[string][]func(*rollCall) bool{
		"all have answered before the digest": {
			func(r *rollCall) bool { return !r.answer("a") && !r.answer("b") },
			func(r *rollCall) bool { return r.digest(nodes) && r.over },
		},
		"the last one answers after it": {
			func(r *rollCall) bool { return !r.answer("a") && !r.digest(nodes) && !r.answer("a") && !r.over },
			func(r *rollCall) bool { return r.answer("b") && r.over && !r.answer("b") },
		},
		"one doesn't answer": {
			func(r *rollCall) bool { return !r.digest(nodes) && !r.late(now.Add(rollCallFor-1)) },
			func(r *rollCall) bool { return r.late(now.Add(rollCallFor)) && r.over && !r.late(now.Add(rollCallFor)) },
		},
		"no digest comes": {
			func(r *rollCall) bool { return !r.answer("a") && r.late(now.Add(rollCallFor)) && !r.digest(nodes) },
		},
	} {
		r := newRollCall(2, now)
		for i, step := range steps {
			if !step(&r) {
				t.Errorf("%s: step %d", name, i)
			}
		}
	}
	if r := newRollCall(1, now); !r.over {
		t.Error("a job that begins waits for nodes")
	}
}
