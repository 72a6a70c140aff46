package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Submitted is a driver that the cluster runs.
type Submitted struct {
	protocol.Submission // as it was last looked at

	c       *Procs
	control join.Control
	attempt int // whose output is read
	from    int64
	rest    []byte // of a line
	lines   []string
}

// lookEvery is how often what can't be waited for is looked at.
const lookEvery = 30 * time.Millisecond

// Submit has the cluster run a driver, as `muster submit` does.
func (c *Procs) Submit(p *Program, name string, args ...string) *Submitted {
	c.t.Helper()
	admin, err := join.Load(c.admin)
	c.must(err)
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	conn, err := join.Connect(ctx, admin, join.Options{})
	c.must(err)
	c.t.Cleanup(conn.Close)
	s := &Submitted{c: c, control: join.Control{Conn: conn, Who: admin.Name}}
	role, err := json.Marshal(&stage{Role: roleSubmitted, Name: p.name, Args: args})
	c.must(err)
	path, err := os.Executable()
	c.must(err)
	data, err := os.ReadFile(path)
	c.must(err)
	hash := join.HashBlob(data)
	c.must(s.control.PutBlob(ctx, hash, int64(len(data)), bytes.NewReader(data)))
	c.must(s.control.Ask(ctx, protocol.OpSubmit, protocol.Submit{
		Major: protocol.Major, Minor: protocol.Minor, Name: name, Program: p.name, Args: args,
		Binaries: []protocol.Binary{{OS: runtime.GOOS, Arch: runtime.GOARCH, Hash: hash, Size: int64(len(data))}},
		Env:      []string{envRole + "=" + string(role), "MUSTER_PROGRESS=off"},
	}, &s.Submission))
	return s
}

// Look asks the head where the submission stands. While the head is away, that is what it was.
func (s *Submitted) Look() protocol.Submission {
	s.c.t.Helper()
	var list []protocol.JobInfo
	err := s.control.Ask(context.Background(), protocol.OpListJobs, protocol.JobID{Job: s.ID}, &list)
	if errors.As(err, new(*protocol.Refusal)) || err == nil && (len(list) != 1 || list[0].Submitted == nil) {
		s.c.t.Fatalf("cluster: submission %s: %+v: %v", s.ID, list, err)
	}
	if err == nil {
		s.Submission = *list[0].Submitted
	}
	return s.Submission
}

// Await waits until something is true of the submission.
func (s *Submitted) Await(within time.Duration, is func(protocol.Submission) bool) protocol.Submission {
	s.c.t.Helper()
	limit := time.After(within)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if now := s.Look(); is(now) {
			return now
		}
		select {
		case <-look.C:
		case <-limit:
			s.c.t.Fatalf("cluster: submission %s isn't what it is to be within %v: %+v", s.Name, within, s.Submission)
		}
	}
}

// Next is the next line that the driver writes, of whatever attempt.
func (s *Submitted) Next(within time.Duration) string {
	s.c.t.Helper()
	limit := time.After(within)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for len(s.lines) == 0 {
		now := s.Look()
		if now.Attempt > s.attempt {
			s.attempt, s.from, s.rest = now.Attempt, 0, nil
		}
		s.read()
		if len(s.lines) > 0 {
			break
		}
		if !now.State.Live() {
			s.c.t.Fatalf("cluster: submission %s has ended: %+v", s.Name, now)
		}
		select {
		case <-look.C:
		case <-limit:
			s.c.t.Fatalf("cluster: submission %s has said nothing for %v: %+v", s.Name, within, now)
		}
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line
}

// read reads what is new. A node that doesn't answer has nothing.
func (s *Submitted) read() {
	if s.attempt == 0 {
		return
	}
	var part agent.LogPart
	ask := protocol.AskLog{Job: s.ID, Attempt: s.attempt, Node: s.Node, Offset: s.from}
	if s.control.Ask(context.Background(), protocol.OpReadLog, ask, &part) != nil {
		return
	}
	s.from = part.Offset + int64(len(part.Data))
	s.rest = append(s.rest, part.Data...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte{'\n'})
		if !whole {
			return
		}
		s.lines, s.rest = append(s.lines, string(line)), rest
	}
}

// Kill kills the driver's process: there must be one.
func (s *Submitted) Kill() {
	s.c.t.Helper()
	i, pid := s.Carrier()
	if i < 0 {
		s.c.t.Fatal("cluster: no node runs the driver")
	}
	p, err := os.FindProcess(pid)
	s.c.must(err)
	s.c.must(p.Kill())
}

// Carrier is the node that runs the driver, if no other driver was submitted, and its process; -1 if there is none.
func (s *Submitted) Carrier() (node, pid int) {
	for i, n := range s.c.agents {
		entries, _ := os.ReadDir(filepath.Join(n.Dir, "drivers"))
		for _, e := range entries {
			if pid, err := strconv.Atoi(e.Name()); err == nil && !n.left {
				return i, pid
			}
		}
	}
	return -1, 0
}
