package otel

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/musterrun/muster/event"
)

// maxFollowed bounds the tasks that are followed at a time.
const maxFollowed = 100_000

// listener makes spans of a session's events, which come one after the other.
type listener struct {
	next func(event.Event)
	job  string // its name
	open func() (*trace.TracerProvider, error)

	provider *trace.TracerProvider // nil before the session is open, and if that failed
	tracer   api.Tracer
	root     *task // the session
	ratio    float64
	tasks    map[uint64]*task // that are followed
	chunks   uint64           // of Maps
}

// task is one that is followed. Once it has begun it knows its parent's span alone, and not the parent: tasks that start one
// another without end would all be kept.
type task struct {
	parent *task           // until it begins
	above  context.Context //nolint:containedctx // carries the parent's span
	ctx    context.Context //nolint:containedctx // carries the span of the last attempt, for its children
	span   api.Span        // of the attempt that runs; nil for none
}

func (l *listener) observe(e event.Event) {
	if l.next != nil {
		defer l.next(e)
	}
	if e.Kind == event.SessionOpened {
		l.begin(e)
	}
	if l.provider == nil {
		return
	}
	switch e.Kind {
	case event.TaskSubmitted:
		l.submitted(e)
	case event.TaskStarted:
		if t := l.tasks[e.Task]; t != nil {
			l.start(t, e, e.Time)
		}
	case event.TaskRetrying, event.TaskLost, event.TaskDone, event.TaskFailed, event.TaskCanceled, event.TaskUnfit:
		l.ended(e)
	case event.SessionClosed:
		l.end(e)
	}
}

// begin opens what sends the spans. Where that can't be, the program runs without, and says so.
func (l *listener) begin(e event.Event) {
	provider, err := l.open()
	if err != nil {
		fmt.Fprintln(os.Stderr, "muster: no traces are sent:", err)
		return
	}
	l.provider, l.tracer, l.ratio = provider, provider.Tracer("github.com/musterrun/muster/otel"), ratio()
	l.tasks = map[uint64]*task{}
	name := l.job
	if name == "" {
		name = filepath.Base(os.Args[0])
	}
	ctx, span := l.tracer.Start(context.Background(), name, api.WithTimestamp(e.Time))
	span.SetAttributes(attribute.String("muster.job", l.job))
	l.root = &task{ctx: ctx, span: span}
}

// end waits, but not long, until the collector has all.
func (l *listener) end(e event.Event) {
	for _, t := range l.tasks {
		if t.span != nil { // Close has named it: its function hasn't returned
			t.span.SetStatus(codes.Error, "it still ran when the session was closed")
			t.span.End(api.WithTimestamp(e.Time))
		}
	}
	l.root.span.End(api.WithTimestamp(e.Time))
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	if err := l.provider.Shutdown(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "muster: not all traces were sent:", err)
	}
	l.provider, l.tasks = nil, nil
}

// submitted decides whether a task is followed: by its number if the driver has started it, else as its parent is.
func (l *listener) submitted(e event.Event) {
	parent := l.root
	if e.Parent != 0 {
		parent = l.tasks[e.Parent]
	} else if !l.sampled(e.Task) {
		parent = nil
	}
	if parent != nil && len(l.tasks) < maxFollowed {
		l.tasks[e.Task] = &task{parent: parent, ctx: parent.ctx}
	}
}

// sampled is true of the ratio of numbers, spread evenly (by the golden ratio).
func (l *listener) sampled(n uint64) bool {
	return l.ratio >= 1 || float64(n*0x9e3779b97f4a7c15)/math.MaxUint64 < l.ratio
}

func (l *listener) start(t *task, e event.Event, at time.Time) {
	if t.parent != nil {
		t.above, t.parent = t.parent.ctx, nil
	}
	_, t.span = l.tracer.Start(t.above, e.Func, api.WithTimestamp(at))
	t.ctx = api.ContextWithSpanContext(context.Background(), t.span.SpanContext())
}

// ended ends the span of an attempt. One of a task that isn't followed has a span only if it failed.
func (l *listener) ended(e event.Event) {
	t := l.tasks[e.Task]
	if e.Kind.Ends() || e.Kind == event.TaskUnfit {
		delete(l.tasks, e.Task)
	}
	began := e.Time.Add(-e.Took)
	switch {
	case t != nil && t.span != nil:
	case t == nil && e.Items > 0 && e.Kind == event.TaskDone: // a chunk of a Map
		if l.chunks++; !l.sampled(l.chunks) {
			return
		}
		fallthrough
	case t == nil && e.Err != nil && e.Kind != event.TaskCanceled && (e.Attempt > 0 || e.Item >= 0):
		t = &task{parent: l.root}
		l.start(t, e, began)
	default:
		return // it never began, or isn't to be seen
	}
	l.describe(t.span, e)
	t.span.End(api.WithTimestamp(e.Time))
	t.span = nil
}

var outcomes = map[event.Kind]string{
	event.TaskDone: "done", event.TaskFailed: "failed", event.TaskUnfit: "failed", event.TaskCanceled: "canceled",
	event.TaskRetrying: "retried", event.TaskLost: "lost",
}

func (l *listener) describe(span api.Span, e event.Event) {
	list := []attribute.KeyValue{attribute.String("muster.function", e.Func), attribute.String("muster.outcome", outcomes[e.Kind])}
	if e.Task > 0 {
		list = append(list, attribute.Int64("muster.task", int64(e.Task)), attribute.Int("muster.attempt", e.Attempt)) //nolint:gosec // a count
	}
	if e.Took > 0 { // on its node, without what lies between that and the driver
		list = append(list, attribute.Float64("muster.took_seconds", e.Took.Seconds()))
	}
	if e.Node != "" {
		list = append(list, attribute.String("muster.node", e.Node))
	}
	if e.Items > 0 {
		list = append(list, attribute.Int("muster.items", e.Items))
	}
	if e.Item >= 0 {
		list = append(list, attribute.Int("muster.item", e.Item))
	}
	span.SetAttributes(list...)
	if e.Err != nil && e.Kind != event.TaskCanceled {
		span.SetStatus(codes.Error, e.Err.Error())
	}
}
