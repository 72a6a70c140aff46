//go:build unix

package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// The node tells the head what it has counted.
func TestMetrics(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs, c.Version = 2, "v9" })
	k := c.open("j1", nil)
	read := func() string {
		t.Helper()
		m, err := c.conn.Request(protocol.NodeSubject("n1", "metrics"), nil, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Body string }
		if err := json.Unmarshal(m.Data, &r); err != nil {
			t.Fatal(string(m.Data), err)
		}
		return r.Body
	}
	good := k.task("echo", "x")
	k.give(good)
	k.outcome(good)
	dying := k.task("crash", "")
	k.give(dying)
	k.givenBack(dying)
	waits, _ := k.waitsWith(a, func(t *protocol.Task) { t.Need.CPU = unit })
	within(t, "the outcomes are confirmed", func() bool { return a.outbox.Load() == 0 })
	text := read()
	for _, want := range []string{
		`muster_node_info{version="v9"} 1`, "muster_node_cpus 2", "muster_node_cpus_used 1", "muster_node_workers 1", "muster_node_jobs 1",
		"muster_node_tasks_running 1", `muster_node_tasks_total{outcome="succeeded"} 1`, `muster_node_tasks_total{outcome="failed"} 0`,
		"muster_node_worker_deaths_total 1", `muster_node_give_backs_total{reason="worker_died"} 1`, "muster_node_outbox_bytes 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s isn't in\n%s", want, text)
		}
	}
	for _, d := range metrics.Node {
		if !strings.Contains(text, "# TYPE "+d.Name+" "+string(d.Type)+"\n") {
			t.Errorf("%s isn't in\n%s", d.Name, text)
		}
	}
	for _, some := range []string{"muster_node_offers_total", "muster_node_batches_total", "muster_node_confirm_seconds_count"} {
		if strings.Contains(text, some+" 0\n") {
			t.Errorf("nothing is counted as %s", some)
		}
	}
	k.down(protocol.Stop{Attempt: attemptOf(&waits), Grace: time.Minute})
	k.outcome(waits)
	if text := read(); !strings.Contains(text, `muster_node_tasks_total{outcome="canceled"} 1`) {
		t.Error(text)
	}
	allFree(t, a)
}
