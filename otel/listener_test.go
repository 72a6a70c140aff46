package otel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/musterrun/muster/event"
)

// Tasks of which each starts the next are one below the other, and nothing of those that have ended is kept.
func TestChainOfTasks(t *testing.T) {
	const tasks = 100
	spans := tracetest.NewSpanRecorder()
	l := &listener{open: func() (*trace.TracerProvider, error) {
		return trace.NewTracerProvider(trace.WithSpanProcessor(spans)), nil
	}}
	now := time.Now()
	tell := func(kind event.Kind, n uint64) {
		l.observe(event.Event{Kind: kind, Time: now, Task: n, Parent: n - 1, Func: "next", Attempt: 1, Item: -1})
	}
	l.observe(event.Event{Kind: event.SessionOpened, Time: now})
	tell(event.TaskSubmitted, 1)
	for n := uint64(1); n <= tasks; n++ {
		tell(event.TaskStarted, n)
		tell(event.TaskSubmitted, n+1)
		tell(event.TaskDone, n)
	}
	tell(event.TaskStarted, tasks+1)
	last := l.tasks[tasks+1]
	if len(l.tasks) != 1 || last.parent != nil || strings.Count(fmt.Sprint(last.ctx), "WithValue") != 1 {
		t.Errorf("%d tasks are kept, the last one with %v", len(l.tasks), last.ctx)
	}
	l.observe(event.Event{Kind: event.SessionClosed, Time: now})
	above := ""
	for i, s := range spans.Started()[1:] {
		if i > 0 && s.Parent().SpanID().String() != above {
			t.Fatalf("span %d isn't below the one before", i)
		}
		above = s.SpanContext().SpanID().String()
	}
	if n := len(spans.Ended()); n != tasks+2 {
		t.Errorf("%d spans", n)
	}
}
