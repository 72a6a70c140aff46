package head

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// What a node says that it has, or that jobs have of it, counts no further than it can be.
func TestClaimsOfNodes(t *testing.T) {
	table, now := newNodes(time.Minute), time.Now()
	for _, n := range []protocol.NodeInfo{
		{CPUs: -1}, {CPUs: 1e9}, {CPUs: math.NaN()}, {GPUs: -1}, {GPUs: 1e300}, {Memory: -1},
		{Named: map[string]int64{"seat": -1}},
	} {
		n.Node = "n1"
		if _, err := table.report(n, now); err == nil {
			t.Errorf("a node has %+v", n)
		}
	}
	n := protocol.NodeInfo{Node: "n1", CPUs: 4, GPUs: 1, Memory: 100, Named: map[string]int64{"seat": 10}}
	if _, err := table.report(n, now); err != nil {
		t.Fatal(err)
	}
	claim := protocol.NodeLoad{Jobs: map[string]protocol.Amounts{
		"j1": {CPU: math.MaxInt64, Memory: -5, GPUs: 2 * unit, Named: map[string]int64{"seat": 11, "other": 1}},
		"j2": {CPU: 20_000, Memory: 30, Named: map[string]int64{"seat": 3}},
	}}
	if err := table.loaded("n1", &claim); err != nil {
		t.Fatal(err)
	}
	total, jobs := table.load(now)
	if total.CPU != 40_000 || total.Memory != 100 || total.GPUs != unit || total.Named["seat"] != 10 {
		t.Errorf("the cluster has %+v", total)
	}
	if j := jobs["j1"]; j.CPU != 40_000 || j.Memory != 0 || j.GPUs != unit || !maps.Equal(j.Named, map[string]int64{"seat": 10}) {
		t.Errorf("a job has what can't be: %+v", j)
	}
	if j := jobs["j2"]; j.CPU != 20_000 || j.Memory != 30 || j.Named["seat"] != 3 {
		t.Errorf("a job lacks what it has: %+v", j)
	}
	for _, id := range []string{"n2", "n3"} {
		n = protocol.NodeInfo{Node: id, Memory: math.MaxInt64, Named: map[string]int64{"seat": math.MaxInt64}}
		if _, err := table.report(n, now); err != nil {
			t.Fatal(err)
		}
	}
	if total, _ = table.load(now); total.Memory != math.MaxInt64 || total.Named["seat"] != math.MaxInt64 {
		t.Errorf("the cluster has %+v", total)
	}
}
