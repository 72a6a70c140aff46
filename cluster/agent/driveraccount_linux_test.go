package agent

import (
	"strconv"
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// Under root's agent, a driver runs under its owner's account, whose folder and identity are that one's alone.
func TestDriverOfAnAccount(t *testing.T) {
	nobody := asRoot(t)
	s := newDriverScene(t, func(c *Config) { c.StateDir = passable(t) })
	s.spec.Owner, s.spec.Args = "nobody", []string{"exit 0"}
	s.drive(protocol.NodeDrive, "head", 1)
	if e := s.end(); e.Code != 0 || !strings.Contains(e.Tail, "-rw-------, user "+strconv.Itoa(nobody.uid)+",") {
		t.Errorf("%+v", e)
	}
	s.spec.Owner = "no-such-account"
	s.drive(protocol.NodeDrive, "head", 2)
	within(t, "the second attempt", func() bool {
		s.drive(protocol.NodeDrive, "head", 2)
		return len(s.ends) > 0
	})
	if e := s.end(); !e.Unmet || !strings.Contains(e.Reason, "doesn't serve user no-such-account") {
		t.Errorf("%+v", e)
	}
}
