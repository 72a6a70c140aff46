package head

import (
	"testing"

	"github.com/musterrun/muster/protocol"
)

// A job that waits hears who gets what becomes free before it: those who have less, by weight, and wait too.
func TestWhyShare(t *testing.T) {
	job := func(id, owner string, needs, weight float64) (i protocol.JobInfo) {
		i.Job, i.Owner, i.Load.Needs, i.Share.Weight = id, owner, needs, weight
		return i
	}
	open := []protocol.JobInfo{job("a1", "ann", 1, 0), job("a2", "ann", 1, 2), job("b1", "bob", 1, 0), job("c1", "eve", 0, 0)}
	total := &protocol.Amounts{CPU: 10 * unit}
	cpus := func(n int64) protocol.Amounts { return protocol.Amounts{CPU: n * unit} }
	used := map[string]protocol.Amounts{"a1": cpus(3), "a2": cpus(3), "b1": cpus(4)}
	weights := map[string]float64{}
	share := func(name string) protocol.UserShare { return protocol.UserShare{Name: name, Weight: weights[name]} }
	for id, want := range map[string]string{
		"a1": "user ann has 60 % of the cluster, by weight, and this job 30 %: what becomes free goes first to those who have less and wait too: " +
			"ann's job a2 (15 %), user bob (40 %)",
		"a2": "user ann has 60 % of the cluster, by weight, and this job 15 %: what becomes free goes first to those who have less and wait too: " +
			"user bob (40 %)",
		"b1": "", "none": "",
	} {
		if got := shareText(id, open, total, used, share); got != want {
			t.Errorf("%s: %q", id, got)
		}
	}
	weights["ann"] = 3
	if got, want := shareText("b1", open, total, used, share),
		"user bob has 40 % of the cluster, by weight, and this job 40 %: what becomes free goes first to those who have less and wait too: "+
			"user ann (20 %)"; got != want {
		t.Errorf("b1: %q", got)
	}
}
