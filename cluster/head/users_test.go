package head

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Users see whether a node serves them, and not whom else it doesn't.
func TestWhomNodesRefuse(t *testing.T) {
	c := start(t, Config{})
	ann, eve, bob, n := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "eve"), c.join(join.RoleUser, "bob"), c.join(join.RoleAgent, "")
	_, annJ := c.open(ann, "")
	report := protocol.NodeInfo{Users: protocol.UsersAccounts, Refuses: map[string]string{"ann": "no account ann", "eve": "no account eve"}}
	n.ask(protocol.OpReportNode, report, nil)
	for m, want := range map[*member]string{ann: "no account ann", annJ: "no account ann", eve: "no account eve", bob: ""} {
		var all []protocol.NodeInfo
		m.ask(protocol.OpListNodes, nil, &all)
		if len(all) != 1 || all[0].Refusal != want || all[0].Refuses != nil {
			t.Errorf("%s sees %+v", m.Who, all)
		}
	}
	n.ask(protocol.OpReportNode, protocol.NodeInfo{Users: "ann"}, nil)
	var all []protocol.NodeInfo
	ann.ask(protocol.OpListNodes, nil, &all)
	if all[0].Refusal != "" {
		t.Errorf("its own user is refused: %s", all[0].Refusal)
	}
	eve.ask(protocol.OpListNodes, nil, &all)
	if !strings.Contains(all[0].Refusal, "--allow-users") {
		t.Errorf("others hear %q", all[0].Refusal)
	}
	report.Refuses = map[string]string{}
	for range maxNodeFields + 1 {
		report.Refuses[newID("u")] = "no account"
	}
	n.refused(protocol.CodeMalformed, protocol.OpReportNode, report)
}

// A node is the user's for whom its token was made, by default the one's who made it, and stays so.
func TestWhoseNode(t *testing.T) {
	c := start(t, Config{})
	admin := c.connect(c.Admin())
	enroll := func(in protocol.NewToken) join.Identity {
		var made protocol.TokenInfo
		admin.ask(protocol.OpNewToken, in, &made)
		token, err := join.ParseToken(made.Token)
		if err != nil {
			t.Fatal(err)
		}
		id, err := join.Join(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if id := enroll(protocol.NewToken{Role: join.RoleAgent}); id.User != "admin" {
		t.Errorf("the node is %q's", id.User)
	}
	id := enroll(protocol.NewToken{Role: join.RoleAgent, User: "ann"})
	if id.User != "ann" || id.Name == "ann" || id.Role != join.RoleAgent {
		t.Errorf("the node %s is %q's", id, id.User)
	}
	id.User = ""
	if fresh, err := join.Renew(t.Context(), id); err != nil || fresh.User != "ann" {
		t.Errorf("renewed, the node is %q's: %v", fresh.User, err)
	}
	if id := enroll(protocol.NewToken{Role: join.RoleUser, User: "ann"}); id.User != "" || id.Name != "ann" {
		t.Errorf("the user %s is %q's", id, id.User)
	}
	admin.refused(protocol.CodeMalformed, protocol.OpNewToken, protocol.NewToken{Role: join.RoleAgent, User: "*"})
}
