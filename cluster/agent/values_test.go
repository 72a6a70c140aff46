//go:build unix

package agent

import (
	"bytes"
	"strings"
	"testing"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// A large result is with the head before its outcome is in the journal, and gets to where it is needed.
func TestLargeValues(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	big := k.task("big", "100000")
	k.give(big)
	o := k.outcome(big)
	if o.Value.Form != protocol.Object || o.Value.Size != 100_000 || o.Value.Node != "n1" {
		t.Fatalf("%+v", o.Value)
	}
	c.mu.Lock()
	stored := c.blobs[o.Value.ID]
	other := bytes.Repeat([]byte("x"), 50_000)
	c.blobs[object.ID(other)] = other
	c.mu.Unlock()
	if object.ID(stored) != o.Value.ID {
		t.Errorf("the head has %d bytes", len(stored))
	}
	var tasks []protocol.Task
	for range 10 {
		read := k.task("read", "")
		read.Deps = []protocol.Dep{{Value: protocol.Value{Form: protocol.Object, ID: object.ID(other), Size: 50_000}}}
		tasks = append(tasks, read)
	}
	k.give(tasks...)
	for _, task := range tasks {
		if o := k.outcome(task); string(o.Value.Data) != "50000" {
			t.Errorf("%+v", o)
		}
	}
	allFree(t, a)
}

// A value that nobody has is an error of the task that needs it, and doesn't hold up others.
func TestValueIsMissing(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	for _, id := range []string{strings.Repeat("0", 64), "../../../etc/passwd"} {
		read := k.task("read", "")
		read.Deps = []protocol.Dep{{Value: protocol.Value{Form: protocol.List, Parts: []protocol.Value{{Form: protocol.Object, ID: id}}}}}
		k.give(read)
		if o := k.outcome(read); o.Status != protocol.Failed || !strings.Contains(string(o.Value.Data), "node n1 can't get a value") {
			t.Errorf("%q", o.Value.Data)
		}
	}
	parent := k.task("want", "")
	k.give(parent)
	k.until("its wait", func() bool { return len(k.items) >= 2 })
	k.down(protocol.Settle{
		By: attemptOf(&parent), Ref: protocol.KeyRef(parent.Key), Value: protocol.Value{Form: protocol.Object, ID: strings.Repeat("0", 64)},
	})
	if o := k.outcome(parent); o.Value.Form != protocol.Failure {
		t.Errorf("%+v", o)
	}
	allFree(t, a)
}

// Files of the job lie in its folder, and only there.
func TestFiles(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	data := []byte("hello")
	c.blobs[object.ID(data)] = data
	k := c.open("j1", func(i *protocol.JobInfo) {
		i.Files = []protocol.File{{Path: "conf/a.txt", Mode: 0o640, Hash: object.ID(data), Size: 5}}
	})
	task := k.task("echo", "")
	k.give(task)
	k.outcome(task)
	if got := string(mustRead(t, a.folder.job("j1")+"/conf/a.txt")); got != "hello" {
		t.Errorf("got %q", got)
	}
	k2 := c.open("j2", func(i *protocol.JobInfo) {
		i.Files = []protocol.File{{Path: "../j1/conf/a.txt", Mode: 0o640, Hash: object.ID(data), Size: 5}}
	})
	task = k2.task("echo", "")
	k2.give(task)
	if g := k2.givenBack(task); !strings.Contains(g.Text, "doesn't lie in its folder") {
		t.Errorf("%+v", g)
	}
}
