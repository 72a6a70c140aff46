package head

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/musterrun/muster/protocol"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// submitted is a submission whose first attempt runs on node a.
func submitted() *submission {
	s := &submission{
		Submission: protocol.Submission{ID: "D1", Name: "nightly", Owner: "ann", State: protocol.DriverWaiting},
		Spec:       protocol.Submit{Binaries: []protocol.Binary{{OS: "linux", Arch: "amd64"}}},
	}
	s.run("a")
	return s
}

func (s *submission) run(node string) {
	s.start(node, noon)
	s.take(&protocol.TakeDriver{DriverID: s.current(), PublicKey: "U1", Life: noon})
}

// What ends an attempt says whether there is another one.
func TestEndOfADriver(t *testing.T) {
	tests := []struct {
		name   string
		end    protocol.DriverEnd
		want   protocol.DriverState
		code   int
		pause  time.Duration
		reason string
	}{
		{"success", protocol.DriverEnd{Code: 0}, protocol.DriverDone, 0, 0, ""},
		{"exit code", protocol.DriverEnd{Code: 3}, protocol.DriverFailed, 3, 0, "its exit code is 3"},
		{"couldn't begin", protocol.DriverEnd{Code: 2}, protocol.DriverFailed, 2, 0, "its exit code is 2"},
		{"signal", protocol.DriverEnd{Code: -1, Reason: "it was killed (signal 9)"}, protocol.DriverWaiting, 0, time.Second, "it was killed (signal 9)"},
		{"SIGTERM under Main", protocol.DriverEnd{Code: 143}, protocol.DriverWaiting, 0, time.Second, "exit code 143"},
		{"Ctrl-C under Main", protocol.DriverEnd{Code: 130}, protocol.DriverWaiting, 0, time.Second, "exit code 130"},
		{"its node stops", protocol.DriverEnd{Code: -1, Left: true}, protocol.DriverWaiting, 0, 0, "its node was stopped"},
		{"not started", protocol.DriverEnd{Code: -1, Unmet: true, Reason: "disk full"}, protocol.DriverWaiting, 0, time.Second, "disk full"},
		{"no head to begin with", protocol.DriverEnd{Code: 2, Cut: true}, protocol.DriverWaiting, 0, time.Second, "the head was away"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := submitted()
			tt.end.Tail = "last words"
			s.end(&tt.end, noon)
			if s.State != tt.want || s.ExitCode != tt.code || !strings.Contains(s.Reason, tt.reason) || s.Tail != "last words" || s.PublicKey != "" {
				t.Errorf("%+v", s)
			}
			if s.State.Live() && !s.After.Equal(noon.Add(tt.pause)) {
				t.Errorf("it is started again at %v", s.After)
			}
			if !s.State.Live() && !s.Ended.Equal(noon) {
				t.Errorf("it has ended at %v", s.Ended)
			}
		})
	}
}

// What one is told of a driver between two attempts, and why it couldn't be started.
func TestWhyADriverWaits(t *testing.T) {
	s := submitted()
	s.end(&protocol.DriverEnd{Code: -1, Reason: "it was killed (signal 9)"}, noon)
	for after, want := range map[time.Duration]string{
		0:           "its driver is started again in 1s: it was killed (signal 9)",
		time.Minute: "its driver waits to be started again: it was killed (signal 9)",
	} {
		if got := s.why(noon.Add(after)); got != want {
			t.Errorf("after %v: %s", after, got)
		}
	}
	long := "node n1 doesn't serve user ann: it has no account ann: make one, or start its agent with --worker-user NAME"
	if got := reason(long + "\nat x"); got != long {
		t.Error(got)
	}
	if got := reason(strings.Repeat("\u00e9", maxReason)); len(got) > maxReason || !utf8.ValidString(got) {
		t.Error(got)
	}
}

// A driver that is lost again and again is started five times in an hour, each time later, and not a sixth time.
func TestRestartsAreBounded(t *testing.T) {
	s, now := submitted(), noon
	for i, seconds := range []int{1, 2, 4, 8, 16} {
		s.lost("its node a is lost", now)
		if s.State != protocol.DriverWaiting || s.After.Sub(now).Seconds() != float64(seconds) {
			t.Fatalf("restart %d: %s until %v", i+1, s.State, s.After.Sub(now))
		}
		if node, why := s.place(s.After.Add(-1), nil, nil); node != "" || why != "" {
			t.Fatal("it is placed before its time", node, why)
		}
		now = now.Add(10 * time.Minute)
		s.run("a")
	}
	s.left(now) // which doesn't count
	s.run("a")
	if s.lost("its node a is lost", now); s.State != protocol.DriverFailed || s.ExitCode != -1 ||
		!strings.Contains(s.Reason, "5 times within an hour") {
		t.Errorf("the sixth time: %+v", s.Submission)
	}
}

// What was longer ago than an hour doesn't count.
func TestRestartsAreForgotten(t *testing.T) {
	s, now := submitted(), noon
	for range 20 {
		s.lost("its node a is lost", now)
		if s.State != protocol.DriverWaiting {
			t.Fatalf("%+v", s.Submission)
		}
		now = now.Add(13 * time.Minute)
		s.run("a")
	}
}

// A node that doesn't take a driver, or dies before it does, costs no restart; it is asked again last.
func TestNodeThatDoesNotTake(t *testing.T) {
	s := submitted()
	s.lost("its node a is lost", noon)
	for range 10 {
		s.start("a", noon)
		if s.unanswered(noon.Add(time.Second), time.Second) || !s.unanswered(noon.Add(2*time.Second), time.Second) {
			t.Fatal("unanswered is wrong")
		}
		s.lost("node a didn't take it", noon)
	}
	if s.State != protocol.DriverWaiting || len(s.Restarts) != 1 || s.Attempt != 11 {
		t.Errorf("%+v", s)
	}
	if node, _ := s.place(noon.Add(time.Minute), nodesOf("a", "b"), nil); node != "b" {
		t.Errorf("it is placed on %q", node)
	}
	if node, _ := s.place(noon.Add(time.Minute), nodesOf("a"), nil); node != "a" {
		t.Errorf("it is placed on %q, though there is no other", node)
	}
}

// Only the node that was asked takes it, and only the present attempt.
func TestWhoTakesADriver(t *testing.T) {
	s := submitted()
	ask := func(node string, attempt int, key string) bool {
		return s.taken(node, &protocol.TakeDriver{DriverID: protocol.DriverID{ID: s.ID, Attempt: attempt}, PublicKey: key})
	}
	if !ask("a", 1, "U1") {
		t.Error("to ask again is refused")
	}
	if ask("a", 1, "U2") || ask("b", 1, "U1") || ask("a", 0, "U1") || ask("a", 2, "U1") {
		t.Error("somebody else takes it")
	}
	s.lost("its node a is lost", noon)
	if ask("a", 1, "U1") || ask("a", 1, "") {
		t.Error("a lost one is taken")
	}
	if s.cancel("ann", noon); s.State != protocol.DriverCanceled || s.State.Live() || s.Reason != "it was cancelled by ann" {
		t.Errorf("%+v", s.Submission)
	}
}

func nodesOf(ids ...string) (list []protocol.NodeInfo) {
	for _, id := range ids {
		list = append(list, protocol.NodeInfo{Node: id, Name: "host-" + id, OS: "linux", Arch: "amd64", CPUs: 2, Alive: true})
	}
	return list
}

// A driver goes to the node with the fewest for its size, of those that may run it.
func TestPlaceOfADriver(t *testing.T) {
	change := func(node string, f func(*protocol.NodeInfo)) []protocol.NodeInfo {
		list := nodesOf("a", "b", "c")
		for i := range list {
			if list[i].Node == node || node == "all" {
				f(&list[i])
			}
		}
		return list
	}
	tests := []struct {
		name      string
		nodes     []protocol.NodeInfo
		has       map[string]int
		node, why string
	}{
		{"none", nil, nil, "", "there is none"},
		{"the first", nodesOf("a", "b"), nil, "a", ""},
		{"fewest drivers", nodesOf("a", "b", "c"), map[string]int{"a": 2, "b": 1, "c": 2}, "b", ""},
		{"largest", change("c", func(n *protocol.NodeInfo) { n.CPUs = 64 }), map[string]int{"a": 1, "b": 1, "c": 8}, "c", ""},
		{"most room", change("b", func(n *protocol.NodeInfo) { n.FreeCPU = 1 }), nil, "b", ""},
		{"away", change("a", func(n *protocol.NodeInfo) { n.Alive = false }), nil, "b", ""},
		{"drained", change("a", func(n *protocol.NodeInfo) { n.Drain = protocol.Drained }), nil, "b", ""},
		{"other platform", change("all", func(n *protocol.NodeInfo) { n.OS = "darwin" }), nil, "", "each of 3 nodes is of platform darwin/amd64"},
		{"not this user's", change("all", func(n *protocol.NodeInfo) { n.Refusal = "no" }), nil, "", "doesn't run the drivers of user ann"},
		{"full", nodesOf("a"), map[string]int{"a": 8}, "", "a node has 8 drivers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := submitted()
			s.left(noon)
			s.Avoid = ""
			node, why := s.place(noon, tt.nodes, tt.has)
			if node != tt.node || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") {
				t.Errorf("%q, %q", node, why)
			}
		})
	}
	s := submitted()
	s.left(noon)
	s.Spec.Labels = []protocol.Label{{Name: "zone", Value: "b"}}
	if node, why := s.place(noon, nodesOf("a"), nil); node != "" || !strings.Contains(why, "isn't labelled zone=b") {
		t.Errorf("%q, %q", node, why)
	}
	labelled := change("c", func(n *protocol.NodeInfo) { n.Labels = map[string]string{"zone": "b"} })
	if node, _ := s.place(noon, labelled, nil); node != "c" {
		t.Errorf("%q", node)
	}
}

// Of the submissions that have ended only the last are kept, also over a restart, and all that live.
func TestSurplusOfDrivers(t *testing.T) {
	now := time.Now()
	table, err := openDrivers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"D3", "D1", "D4", "D2", "D5"} {
		s := submitted()
		s.ID, s.At = id, now
		if id != "D2" {
			s.over(protocol.DriverDone, 0, "", now.Add(time.Duration(i)*time.Second))
		}
		if err := table.store(s); err != nil {
			t.Fatal(err)
		}
	}
	h := &Head{drivers: table}
	for _, most := range []int{4, 2} {
		if err := h.dropSurplusDrivers(most); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openDrivers(table.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, all := range []*drivers{table, again} {
		ids := []string{}
		for _, s := range all.list() {
			ids = append(ids, s.ID)
		}
		if !slices.Equal(ids, []string{"D2", "D4", "D5"}) {
			t.Errorf("kept: %v", ids)
		}
	}
}
