//go:build unix

package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// tells is a driver that says how it was started, and then does what its argument says.
const tells = `#!/bin/sh
echo "job $MUSTER_JOB, $GREETING, $(cat data/a.txt), $(ls -l .muster.json | cut -c1-10), user $(id -u), take over $MUSTER_TAKEOVER"
eval "$1"
`

// driverScene is an agent that is asked to run drivers, each of them as spec says.
type driverScene struct {
	*testCluster

	agent *Agent
	ends  chan protocol.DriverEnd
	spec  protocol.DriverTaken
}

func newDriverScene(t *testing.T, change func(*Config)) *driverScene {
	t.Helper()
	c := startCluster(t)
	s := &driverScene{testCluster: c, ends: make(chan protocol.DriverEnd, 10)}
	as, err := json.Marshal(join.JoinAnswer{Cluster: "c", Name: "D1", Role: join.RoleUser, JWT: "jwt", CA: "ca"})
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("shipped")
	c.mu.Lock()
	c.blobs[object.ID(data)], c.blobs[object.ID([]byte(tells))] = data, []byte(tells)
	c.take = func(protocol.TakeDriver) any { return s.spec }
	c.ended = func(e protocol.DriverEnd) { s.ends <- e }
	c.mu.Unlock()
	s.spec = protocol.DriverTaken{Owner: "admin", Identity: as, Submit: protocol.Submit{
		Name: "nightly", Program: "tells", Env: []string{"GREETING=hello"},
		Binaries: []protocol.Binary{{OS: runtime.GOOS, Arch: runtime.GOARCH, Hash: object.ID([]byte(tells)), Size: int64(len(tells))}},
		Files:    []protocol.File{{Path: "data/a.txt", Mode: 0o600, Hash: object.ID(data), Size: int64(len(data))}},
	}}
	s.agent = c.startAgent(change)
	return s
}

// drive asks for an attempt, as somebody.
func (s *driverScene) drive(op, who string, attempt int) {
	s.t.Helper()
	body, err := json.Marshal(protocol.DriverID{ID: "D1", Attempt: attempt})
	if err == nil {
		err = s.conn.PublishRequest(protocol.NodeSubject("n1", op), protocol.Inbox(who)+".x.n.n1.1", body)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *driverScene) end() protocol.DriverEnd {
	s.t.Helper()
	select {
	case e := <-s.ends:
		return e
	case <-time.After(time.Minute):
		s.t.Fatal("no driver ends")
		return protocol.DriverEnd{}
	}
}

// log is what an attempt has written, once there is something.
func (s *driverScene) log(attempt int) (text string) {
	s.t.Helper()
	within(s.t, "the driver's log", func() bool {
		ask, _ := json.Marshal(protocol.AskLog{Job: "D1", Attempt: attempt})
		part, refusal := s.agent.readLog(ask)
		if refusal == nil {
			text = string(part.Data)
		}
		return text != ""
	})
	return text
}

// A driver is started once for each attempt, told what it needs to know, and its end is told with its last words.
func TestDriver(t *testing.T) {
	s := newDriverScene(t, nil)
	for i, tt := range []struct {
		does string
		code int
		how  string
	}{
		{"exit 3", 3, "it exited with status 3"},
		{"exit 0", 0, "it exited with status 0"},
		{"kill -9 $$", -1, "it was killed (signal 9)"},
	} {
		s.spec.Args, s.spec.Again = []string{tt.does}, i > 0
		s.drive(protocol.NodeDrive, "admin", i+1) // only the head may
		s.drive(protocol.NodeDrive, "head", i+1)
		s.drive(protocol.NodeDrive, "head", i+1)
		e := s.end()
		if e.Attempt != i+1 || e.Code != tt.code || !strings.HasPrefix(e.Reason, tt.how) || e.Left || e.Unmet || e.Cut {
			t.Errorf("%s: %+v", tt.does, e)
		}
		over := ""
		if i > 0 {
			over = "1"
		}
		if want := "job nightly, hello, shipped, -rw-------, user "; !strings.HasPrefix(e.Tail, want) || !strings.HasSuffix(e.Tail, "take over "+over+"\n") {
			t.Errorf("%s: it says %q", tt.does, e.Tail)
		}
		within(t, "the end of its folder", func() bool {
			_, err := os.Stat(s.agent.folder.job("D1"))
			s.agent.mu.Lock()
			defer s.agent.mu.Unlock()
			return os.IsNotExist(err) && s.agent.drivers["D1"].over
		})
		if text := s.log(i + 1); text != e.Tail {
			t.Errorf("%s: its log has %q", tt.does, text)
		}
	}
	s.spec.Binaries[0].Arch = "none"
	s.drive(protocol.NodeDrive, "head", 9)
	if e := s.end(); !e.Unmet || e.Code != -1 || !strings.Contains(e.Reason, "it isn't built for "+runtime.GOOS) {
		t.Errorf("%+v", e)
	}
	s.spec.Identity = json.RawMessage(`"none"`)
	within(t, "the end of the attempt before", func() bool { return len(s.agent.info().Drivers) == 0 })
	s.drive(protocol.NodeDrive, "head", 10) // the head has given it, so it must hear of its end
	if e := s.end(); !e.Unmet || e.Code != -1 || e.Attempt != 10 || !strings.Contains(e.Reason, "it wasn't started: ") {
		t.Errorf("%+v", e)
	}
	if len(s.ends) > 0 {
		t.Errorf("more has ended: %+v", <-s.ends)
	}
}

// A driver is ended when the head says so, and with its agent, which has it run elsewhere.
func TestDriverIsEnded(t *testing.T) {
	s := newDriverScene(t, nil)
	s.spec.Args = []string{"exec sleep 60"}
	s.drive(protocol.NodeDrive, "head", 1)
	s.log(1)
	s.drive(protocol.NodeEndDrive, "head", 7) // another
	s.drive(protocol.NodeEndDrive, "head", 1)
	if e := s.end(); e.Code != -1 || e.Left || !strings.Contains(e.Reason, "signal 15") {
		t.Errorf("%+v", e)
	}
	s.drive(protocol.NodeDrive, "head", 2)
	within(t, "the second attempt", func() bool {
		s.drive(protocol.NodeDrive, "head", 2) // the first may not be over yet
		info := s.agent.info()
		return len(info.Drivers) == 1 && info.Drivers[0].Attempt == 2
	})
	s.log(2)
	s.agent.Stop()
	if e := s.end(); !e.Left || e.Code != -1 {
		t.Errorf("%+v", e)
	}
	for _, dir := range []string{s.agent.folder.jobs(), s.agent.folder.drivers()} {
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
