//go:build unix

package worker

import (
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// BenchmarkOutcomes sends outcomes through a socket pair to an agent that decodes them. One operation is an outcome.
func BenchmarkOutcomes(b *testing.B) {
	a, w, ended := start(b, b.Context(), newHost())
	o := &protocol.Outcome{
		ID: 100_000, Attempt: 1, Status: protocol.Succeeded, Took: time.Microsecond,
		Value: protocol.Value{Form: protocol.Inline, Data: []byte{1}},
	}
	read := make(chan struct{})
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		defer close(read)
		var list protocol.Outcomes
		for n := 0; n < b.N; n += len(list.List) {
			if _, body := a.next(); list.Read(body) != nil {
				panic("malformed")
			}
		}
	}()
	for range b.N {
		w.Link().Outcome(o)
	}
	<-read
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "outcomes/s")
	a.send(protocol.FrameQuit, nil)
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// BenchmarkRoundTrip is a task to a host that answers at once, and its outcome back.
func BenchmarkRoundTrip(b *testing.B) {
	h := newHost()
	a, w, ended := start(b, b.Context(), h)
	go func() {
		for batch := range h.tasks {
			t := &batch.Tasks[0]
			w.Link().Outcome(&protocol.Outcome{ID: t.ID, Attempt: 1, Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline}})
		}
	}()
	batch := protocol.Batch{Tasks: []protocol.Task{{ID: 1, Attempt: 1, Need: protocol.Need{CPU: 10_000}}}}
	for b.Loop() {
		a.send(protocol.FrameTasks, batch.Append)
		a.next()
	}
	a.send(protocol.FrameQuit, nil)
	if err := <-ended; err != nil {
		b.Error(err)
	}
	close(h.tasks)
}
