package head

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// A driver that its node doesn't list any more, though the node lives, is started again.
func TestADriverThatItsNodeHasLost(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann, n := c.join(join.RoleUser, "ann"), c.carry()
	ann.submit("nightly")
	d := n.heard(protocol.NodeDrive)
	n.take(d)
	for range maxMissed + 2 { // it is listed, so nothing happens
		n.ask(protocol.OpReportNode, n.info(), nil)
	}
	if s := ann.listed("nightly").Submitted; s.State != protocol.DriverRunning || s.Attempt != 1 {
		t.Errorf("%+v", s)
	}
	n.keeps(nil)
	again := n.heard(protocol.NodeDrive, d)
	if again.ID != d.ID || again.Attempt != 2 {
		t.Errorf("%+v", again)
	}
	n.take(again)
	if s := ann.listed("nightly").Submitted; !strings.Contains(s.Reason, "doesn't have it any more") {
		t.Errorf("%+v", s)
	}
}

// What is shipped with a driver is there, stays in its folder, and isn't its identity.
func TestFilesOfASubmission(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann := c.join(join.RoleUser, "ann")
	for path, want := range map[string]string{
		"../x": protocol.CodeMalformed, "/etc/x": protocol.CodeMalformed, "a/../../x": protocol.CodeMalformed,
		".muster.json": protocol.CodeMalformed, ".MUSTER.json": protocol.CodeMalformed, ".muster.json/x": protocol.CodeMalformed,
		"data.csv": protocol.CodeUnknown,
	} {
		in := ann.submission("files")
		in.Files = []protocol.File{{Path: path, Hash: join.HashBlob([]byte("never uploaded")), Size: 14}}
		ann.refused(want, protocol.OpSubmit, in)
	}
	in := ann.submission("files")
	in.Files = []protocol.File{{Path: "sub/.muster.json", Hash: in.Binaries[0].Hash, Size: in.Binaries[0].Size}}
	ann.ask(protocol.OpSubmit, in, nil)
}

// One user's drivers never take all places.
func TestPlacesForDriversOfOthers(t *testing.T) {
	c := start(t, Config{Ages: shortAges, Limits: Limits{LiveJobs: 5}})
	ann, bob := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "bob")
	for i := range 4 {
		ann.submit(string(rune('a' + i)))
	}
	ann.refused(protocol.CodeFull, protocol.OpSubmit, ann.submission("more"))
	bob.submit("first")
	bob.refused(protocol.CodeFull, protocol.OpSubmit, bob.submission("more"))
}
