//go:build unix

package agent

import (
	"log/slog"
	"net"
	"testing"

	"github.com/musterrun/muster/internal/child"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// waitingJob is a job with so many tasks that wait for nothing but their worker.
func waitingJob(tasks int) (*Agent, *job) {
	a := &Agent{ledger: ledger.New(ledger.Room{CPU: unit})}
	j := &job{info: &protocol.JobInfo{}, waiting: map[protocol.Attempt]*waiting{}}
	j.main = &proc{a: a, job: j, Child: child.New(child.Config{Logger: slog.New(slog.DiscardHandler)})}
	for i := range tasks {
		j.seq++
		w := &waiting{task: protocol.Task{ID: uint64(tasks - i), Attempt: 1, Arg: []byte{1}}, seq: j.seq}
		j.waiting[w.at()] = w
	}
	return a, j
}

// Tasks that have waited for their worker go to it in the order in which they came, in as few frames as if it had been there.
func TestDispatchOnceTheWorkerIsThere(t *testing.T) {
	const tasks = 500
	a, j := waitingJob(tasks)
	a.dispatch(j)
	if len(j.waiting) != tasks || j.main.tasks.len() != 0 {
		t.Fatal("a worker that isn't ready got tasks")
	}
	var got []uint64
	frames := 0
	_ = j.main.Run(child.Spec{Serve: func(c net.Conn) { got, frames = readTasks(c, tasks) }}, &greeter{a, j})
	for i, id := range got {
		if id != uint64(tasks-i) {
			t.Fatalf("task %d came as number %d", id, i)
		}
	}
	if len(got) != tasks || frames != 1 || len(j.waiting) != 0 || j.main.tasks.len() != tasks {
		t.Errorf("%d tasks in %d frames, %d wait, want %d in one", len(got), frames, len(j.waiting), tasks)
	}
}

// readTasks is a worker that reads so many tasks: their numbers, and in how many frames they came.
func readTasks(c net.Conn, most int) (got []uint64, frames int) {
	hello := protocol.Hello{Major: protocol.Major, Minor: protocol.Minor}
	if _, err := c.Write(protocol.AppendFrame(nil, protocol.FrameHello, hello.Append)); err != nil {
		return nil, 0
	}
	r := protocol.NewFrameReader(c)
	for len(got) < most {
		kind, body, err := r.Next()
		if err != nil {
			return got, frames
		}
		if kind != protocol.FrameTasks {
			continue
		}
		var b protocol.Batch
		if b.Read(body) != nil {
			return got, frames
		}
		frames++
		for i := range b.Tasks {
			got = append(got, b.Tasks[i].ID)
		}
	}
	return got, frames
}

// greeter gives a worker what waits for it, and hears nothing.
type greeter struct {
	a *Agent
	j *job
}

func (g *greeter) Hello(*protocol.Hello) {
	g.j.main.ready = true
	g.a.dispatch(g.j)
}

func (g *greeter) Frame(protocol.FrameKind, []byte) error { return nil }

// BenchmarkDispatch gives a worker 500 tasks that have waited for it. One operation is all of them.
func BenchmarkDispatch(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		a, j := waitingJob(500)
		j.main.ready = true
		b.StartTimer()
		a.dispatch(j)
	}
}
