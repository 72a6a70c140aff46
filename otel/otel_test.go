package otel_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	leaf  = muster.Func("leaf", muster.Plain(func(n int) int { return n }))
	tree  = muster.Func("tree", func(ctx context.Context, n int) (int, error) { return leaf.Call(ctx, n) })
	flaky = muster.Func("flaky", func(ctx context.Context, n int) (int, error) {
		if muster.Info(ctx).Attempt <= n {
			return 0, errors.New("not yet")
		}
		return n, nil
	}, muster.Retries(2))
)

// fake is a collector.
type fake struct {
	*httptest.Server

	t       *testing.T
	mu      sync.Mutex
	spans   []*traces.Span
	service string
	headers http.Header
	down    bool
}

func startFake(t *testing.T) *fake {
	f := &fake{t: t}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f.URL)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.headers = r.Header
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	data, err := io.ReadAll(body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" || f.down {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	for _, of := range request.GetResourceSpans() {
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				f.service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			f.spans = append(f.spans, scope.GetSpans()...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// run does something in a session that is traced.
func run(t *testing.T, do func(ctx context.Context)) {
	t.Helper()
	s, ctx, err := muster.Open(t.Context(), muster.Config{OnEvent: otel.Events(nil)})
	if err != nil {
		t.Fatal(err)
	}
	do(ctx)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// named are the spans of a name, in the order of their attempts.
func (f *fake) named(name string) (list []*traces.Span) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.spans {
		if s.GetName() == name {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *traces.Span) int {
		return strings.Compare(attr(a, "muster.attempt"), attr(b, "muster.attempt"))
	})
	return list
}

// attr is an attribute as text.
func attr(s *traces.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			text := strings.Join(strings.Fields(a.GetValue().String()), "")
			_, value, _ := strings.Cut(text, ":")
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

func TestSpans(t *testing.T) {
	f := startFake(t)
	t.Setenv("OTEL_SERVICE_NAME", "night")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "who=me")
	t.Setenv("MUSTER_JOB", "nightly")
	before := time.Now()
	run(t, func(ctx context.Context) {
		if _, err := tree.Call(ctx, 1); err != nil {
			t.Error(err)
		}
		if _, err := flaky.Call(ctx, 1); err != nil {
			t.Error(err)
		}
		if _, err := flaky.Call(ctx, 9); err == nil {
			t.Error("it should fail")
		}
		for range leaf.Map(ctx, slices.Values([]int{1, 2, 3})) {
		}
	})
	job, trees, leaves, flakies := f.named("nightly"), f.named("tree"), f.named("leaf"), f.named("flaky")
	if len(job) != 1 || len(trees) != 1 || len(leaves) < 2 || len(flakies) != 5 || f.service != "night" || f.headers.Get("who") != "me" {
		t.Fatalf("%d jobs, %d trees, %d leaves, %d flakies, service %q, %v", len(job), len(trees), len(leaves), len(flakies), f.service, f.headers)
	}
	if len(job[0].GetParentSpanId()) > 0 || string(trees[0].GetParentSpanId()) != string(job[0].GetSpanId()) {
		t.Error("the job isn't the root, or the tree not below it")
	}
	below, items := 0, 0
	for _, s := range leaves {
		if string(s.GetParentSpanId()) == string(trees[0].GetSpanId()) {
			below++
		}
		if attr(s, "muster.items") != "" {
			items++
		}
	}
	if below != 1 || items == 0 {
		t.Errorf("%d leaves are below the tree, %d are chunks", below, items)
	}
	outcomes := map[string]int{}
	for _, s := range append(flakies, trees...) {
		outcomes[s.GetName()+" "+attr(s, "muster.outcome")]++
		failed := s.GetStatus().GetCode() == traces.Status_STATUS_CODE_ERROR
		if failed != strings.Contains(s.GetStatus().GetMessage(), "not yet") || failed != (attr(s, "muster.outcome") != "done") {
			t.Errorf("%s: %v", s.GetName(), s)
		}
		if int64(s.GetStartTimeUnixNano()) < before.UnixNano() || s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() { //nolint:gosec // times
			t.Errorf("%s is from %d to %d", s.GetName(), s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano())
		}
	}
	if outcomes["flaky retried"] != 3 || outcomes["flaky done"] != 1 || outcomes["flaky failed"] != 1 || outcomes["tree done"] != 1 {
		t.Errorf("%v", outcomes)
	}
}

// A part of the tasks is shown whole, and of the others what fails.
func TestSampling(t *testing.T) {
	f := startFake(t)
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
	run(t, func(ctx context.Context) {
		for n := range 400 {
			if _, err := tree.Call(ctx, n); err != nil {
				t.Error(err)
			}
		}
		for range 10 {
			_, _ = flaky.Call(ctx, 9)
		}
	})
	trees, leaves := f.named("tree"), f.named("leaf")
	if n := len(trees); n < 50 || n > 200 || len(leaves) != n {
		t.Errorf("%d of 400 trees are shown, with %d leaves", n, len(leaves))
	}
	if n := len(f.named("flaky")); n != 30 {
		t.Errorf("%d of 30 failures are shown", n)
	}
}

// Without an endpoint the listener is the user's own, and it hears of everything in any case.
func TestNext(t *testing.T) {
	if otel.Events(nil) != nil {
		t.Error("something listens though no endpoint is set")
	}
	startFake(t)
	kinds := map[event.Kind]int{}
	s, ctx, err := muster.Open(t.Context(), muster.Config{OnEvent: otel.Events(func(e event.Event) { kinds[e.Kind]++ })})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Call(ctx, 1); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil || kinds[event.TaskDone] != 1 || kinds[event.SessionClosed] != 1 {
		t.Error(err, kinds)
	}
	for name, value := range map[string]string{"OTEL_TRACES_SAMPLER": "always_off", "OTEL_SDK_DISABLED": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if otel.Events(nil) != nil {
				t.Error("something listens")
			}
		})
	}
}

// A collector that refuses, or isn't there, fails nothing.
func TestNoCollector(t *testing.T) {
	f := startFake(t)
	f.down = true
	run(t, func(ctx context.Context) {
		if _, err := leaf.Call(ctx, 1); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	run(t, func(ctx context.Context) {
		if _, err := leaf.Call(ctx, 1); err != nil {
			t.Error(err)
		}
	})
}
