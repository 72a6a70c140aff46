package head

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// answersDrain has a node answer as an agent that is drained, and report so.
func (m *member) answersDrain() {
	m.t.Helper()
	_, err := m.Conn.Subscribe(protocol.NodeSubject(m.Who, ">"), func(msg *nats.Msg) {
		info := protocol.NodeInfo{Name: "rack3"}
		var in protocol.DrainNode
		if strings.HasSuffix(msg.Subject, ".drain") && json.Unmarshal(msg.Data, &in) == nil && in.Within == time.Minute {
			info.Drain = protocol.Draining
		}
		data, _ := json.Marshal(protocol.Reply{Body: info})
		_ = msg.Respond(data)
	})
	if err == nil {
		err = m.Conn.Flush()
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// Admins drain nodes, and whose node it is; what the node answers is what the head knows of it from then on.
func TestDrainNode(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann, eve, n := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "eve"), c.join(join.RoleAgent, "ann")
	admin := c.connect(c.Admin())
	ask := protocol.DrainNode{Node: n.Who, Within: time.Minute}
	if text := ann.refused(protocol.CodeUnknown, protocol.OpDrainNode, ask); !strings.Contains(text, "doesn't answer") {
		t.Error(text)
	}
	n.answersDrain()
	n.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "rack3"}, nil)
	eve.refused(protocol.CodeForbidden, protocol.OpDrainNode, ask)
	eve.refused(protocol.CodeForbidden, protocol.OpUndrain, ask)
	n.refused(protocol.CodeForbidden, protocol.OpDrainNode, ask)
	admin.refused(protocol.CodeUnknown, protocol.OpDrainNode, protocol.DrainNode{Node: "nosuch"})
	state := func() protocol.DrainState {
		var all []protocol.NodeInfo
		eve.ask(protocol.OpListNodes, nil, &all)
		return all[0].Drain
	}
	for _, m := range []*member{ann, admin} {
		var info protocol.NodeInfo
		m.ask(protocol.OpDrainNode, ask, &info)
		if info.Drain != protocol.Draining || state() != protocol.Draining {
			t.Errorf("%s has it drained: %+v, %q", m.Who, info, state())
		}
		n.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "rack3", Drain: protocol.Drained}, nil)
		m.ask(protocol.OpUndrain, ask, nil)
		if state() != "" {
			t.Errorf("%s has it back: %q", m.Who, state())
		}
	}
	var events []protocol.ClusterEvent
	eve.ask(protocol.OpEvents, nil, &events)
	seen := map[string]int{}
	for _, e := range events {
		seen[e.Kind]++
	}
	if seen["node.draining"] != 2 || seen["node.drained"] != 2 || seen["node.undrained"] != 2 || seen["node.joined"] != 1 {
		t.Errorf("events: %v", seen)
	}
}
