package head

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// What a later version asks with more fields is understood.
func TestLaterRequests(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	admin, n := c.connect(c.Admin()), c.join(join.RoleAgent, "")
	_, j := c.open(admin, "")
	for op, o := range operations {
		asks := admin
		switch {
		case !o.allows(join.RoleAdmin) && o.allows(join.RoleAgent):
			asks = n
		case !o.allows(join.RoleAdmin):
			asks = j
		}
		in := map[string]any{"later": map[string]any{"deep": []any{1, nil, "x"}}}
		var r *protocol.Refusal
		if err := asks.Ask(t.Context(), op, in, nil); errors.As(err, &r) && strings.Contains(r.Text, "makes no sense") {
			t.Errorf("%s: %s", op, r.Text)
		}
	}
	in, _ := opening(t, "")
	data, _ := json.Marshal(in)
	var more map[string]any
	_ = json.Unmarshal(data, &more)
	more["later"], more["minor"] = []any{"field"}, 7
	var opened protocol.JobOpened
	admin.ask(protocol.OpOpenJob, more, &opened)
	if opened.Epoch != 1 {
		t.Errorf("opened: %+v", opened)
	}
}

// An agent of a version that isn't understood is told so, once to people; users see why it gets nothing. A job of a later
// version gets nothing from it either, while older jobs do.
func TestAgentsOfOtherVersions(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	admin, n := c.connect(c.Admin()), c.join(join.RoleAgent, "")
	_, j := c.open(admin, "")
	state := func(m *member) string {
		var all []protocol.NodeInfo
		m.ask(protocol.OpListNodes, nil, &all)
		return all[0].Refusal
	}
	newer := protocol.NodeInfo{Name: "rack3", Major: protocol.Major + 1}
	for range 3 {
		text := n.refused(protocol.CodeVersion, protocol.OpReportNode, newer)
		if !strings.HasSuffix(text, ": upgrade the head") || !strings.Contains(text, "the agent of node rack3 speaks version 2.0") {
			t.Error(text)
		}
	}
	if seen := state(admin); !strings.Contains(seen, "upgrade the head") || state(j) != seen {
		t.Errorf("people see %q, and a job %q", seen, state(j))
	}
	n.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "rack3"}, nil) // the first version doesn't say which it is
	if seen := state(admin) + state(j); seen != "" {
		t.Errorf("people see %q", seen)
	}
	foreign := 0
	for _, e := range c.events.list() {
		if e.Kind == "node.foreign" {
			foreign++
		}
	}
	if foreign != 1 {
		t.Errorf("%d events", foreign)
	}

	program := protocol.Side{Name: "this program", Major: 2}
	table := newNodes(time.Minute)
	for id, major := range map[string]int{"n1": 1, "n2": 2, "n3": 3} {
		table.all[id] = &node{info: protocol.NodeInfo{Node: id, Name: id, Major: major}}
	}
	list := table.listFor(time.Now(), "ann", &program)
	if want := "this program speaks version 2.0 of the protocol, and the agent of node n1 speaks 1.0: upgrade the agent of node n1"; list[0].Refusal != want {
		t.Errorf("%q, want %q", list[0].Refusal, want)
	}
	if list[1].Refusal+list[2].Refusal != "" {
		t.Errorf("%q, %q", list[1].Refusal, list[2].Refusal)
	}
}

// A job that runs when its head is upgraded by two versions ends with a line that says so.
func TestJobOfFormerVersion(t *testing.T) {
	state := t.TempDir()
	c := start(t, Config{Ages: shortAges, StateDir: state})
	opened, _ := c.open(c.connect(c.Admin()), "nightly")
	j, _ := c.jobs.get(opened.Job)
	j.info.Major = protocol.Major + 1 // as if this head were older
	c.jobs.change.Lock()
	err := c.jobs.store(j.info, func(*job) {})
	c.jobs.change.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	c = start(t, Config{Ages: shortAges, StateDir: state})
	c.log.await(t, `job \"nightly\"`, "is over: this program speaks version 2.0 of the protocol", "upgrade the head")
	if j, _ := c.jobs.get(opened.Job); j.info.State != protocol.JobFailed {
		t.Errorf("%+v", j.info)
	}
}
