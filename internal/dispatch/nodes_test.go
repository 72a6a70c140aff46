package dispatch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// TestDeadNodes goes through who is asked and who is dead. Ages: dead after 15 s, 3 s for an answer. The node a had
// tasks, and the connection is up since second 0.
func TestDeadNodes(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps string // what happens in which second, up to what comes of it
		want  string
	}{
		{"dead and silent", "20:gone 23:check", "ask a@20, dead a@23"},
		{"unknown and silent", "20:unknown 23:check", "ask a@20, dead a@23"},
		{"it may take its time", "20:gone 22:check", "ask a@20"},
		{"it is asked once", "20:gone 21:gone 22:gone 23:check", "ask a@20, dead a@23"},
		{"it is dead once", "20:gone 23:check 24:gone 27:check", "ask a@20, dead a@23"},
		{"it answers", "20:gone 22:heard 30:check", "ask a@20"},
		{"it is asked again", "20:gone 22:heard 30:gone 33:check", "ask a@20, ask a@30, dead a@33"},
		{"the head hears of it again", "20:gone 21:alive 30:check", "ask a@20"},
		{"it lives", "20:alive 40:alive 60:check", ""},
		{"connected too short", "14:gone 17:check", ""},
		{"connected again too short", "20:cut 21:link 30:gone 33:check", ""},
		{"connected again for long", "20:cut 21:link 36:gone 39:check", "ask a@36, dead a@39"},
		{"cut off meanwhile", "20:gone 21:cut 22:link 30:check", "ask a@20"},
		{"the head is new", "20:newhead 23:check", ""},
		{"the head is away", "60:check", ""},
		{"back from the dead", "20:gone 23:check 30:use 31:gone 34:check", "ask a@20, dead a@23, ask a@31, dead a@34"},
		{"back and not dead", "20:gone 23:check 30:heard 31:gone 34:check", "ask a@20, dead a@23"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(goThrough(test.steps), ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func goThrough(steps string) (got []string) {
	n := NewNodes(protocol.Ages{Dead: 15 * time.Second, Ask: 3 * time.Second})
	n.Link(after(0))
	n.Use("a")
	others := []protocol.NodeDigest{{Node: "b"}}
	for step := range strings.FieldsSeq(steps) {
		var second int
		var what string
		_, _ = fmt.Sscanf(step, "%d:%s", &second, &what)
		now, digest := after(second), protocol.ClusterDigest{Up: 100, Nodes: others}
		switch what {
		case "gone":
			digest.Nodes = append(digest.Nodes, protocol.NodeDigest{Node: "a", Dead: true})
		case "alive":
			digest.Nodes = append(digest.Nodes, protocol.NodeDigest{Node: "a"})
		case "newhead":
			digest.Up = 14
		case "unknown":
		case "heard":
			n.Heard("a")
			continue
		case "use":
			n.Use("a")
			continue
		case "cut":
			n.Link(time.Time{})
			continue
		case "link":
			n.Link(now)
			continue
		case "check":
			for _, node := range n.Dead(now) {
				got = append(got, fmt.Sprintf("dead %s@%d", node, second))
			}
			continue
		}
		for _, node := range n.Digest(&digest, now) {
			got = append(got, fmt.Sprintf("ask %s@%d", node, second))
		}
	}
	return got
}

func TestLease(t *testing.T) {
	l := Lease{dead: 15 * time.Second, renewed: after(0)}
	if l.Check(after(14)) {
		t.Error("pauses too early")
	}
	if !l.Check(after(15)) || l.Check(after(16)) {
		t.Error("doesn't begin to pause once")
	}
	if !l.Renew(after(17)) || l.Renew(after(18)) {
		t.Error("doesn't resume once")
	}
	l.Renew(after(5)) // an answer that was long on its way
	if l.Check(after(32)) || !l.Check(after(33)) {
		t.Error("doesn't count from when the last renewal was asked for")
	}
}
