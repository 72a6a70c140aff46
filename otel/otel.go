// Package otel sends what a muster program does as OpenTelemetry traces: a span for the session, its job, and below it
// one for each attempt of a task, a task that another one has started below that one's.
//
//	func main() { muster.Config{OnEvent: otel.Events(nil)}.Main(run) }
//
// Where OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT isn't set, it does nothing and costs nothing.
// Where one is, spans go there as OTLP over HTTP (http/protobuf, by convention at port 4318), and the other standard
// variables hold: OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _TIMEOUT and so on, OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*, OTEL_SDK_DISABLED.
//
// OTEL_TRACES_SAMPLER_ARG is the part of the driver's own tasks that are shown, from 0 to 1, with all that these start; by
// default all. Attempts that fail or are lost are shown in any case. OTEL_TRACES_SAMPLER set to always_off or
// parentbased_always_off turns traces off. At most 100,000 tasks are followed at a time, and a collector that is too slow
// loses spans, never time: what is not shown was not slower.
//
// A package of its own, since it makes a program 11 MB larger, and each of its processes by 5 MB of memory, workers too.
package otel

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/musterrun/muster/event"
)

// flushWithin bounds how long the end of a session waits for the collector.
const flushWithin = 5 * time.Second

// Events gives a listener for muster.Config.OnEvent, for one session: it sends spans where the environment says, and tells
// next of each event, unless that is nil. It is next itself where no endpoint is set.
func Events(next func(event.Event)) func(event.Event) {
	if !wanted() {
		return next
	}
	l := &listener{next: next, job: os.Getenv("MUSTER_JOB"), open: openExporter}
	return l.observe
}

// wanted reports whether the environment asks for traces.
func wanted() bool {
	endpoint := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") + os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	off := strings.HasSuffix(os.Getenv("OTEL_TRACES_SAMPLER"), "always_off")
	disabled, _ := strconv.ParseBool(os.Getenv("OTEL_SDK_DISABLED")) // the standard: anything else is false
	return endpoint != "" && !off && !disabled
}

// ratio is the part of the driver's tasks that are shown.
func ratio() float64 {
	r, err := strconv.ParseFloat(os.Getenv("OTEL_TRACES_SAMPLER_ARG"), 64)
	if err != nil || !(r >= 0 && r <= 1) {
		return 1
	}
	return r
}

// openExporter makes what sends spans. Nothing is sent before there are some.
func openExporter() (*trace.TracerProvider, error) {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	name := attribute.String("service.name", filepath.Base(os.Args[0]))
	about, err := resource.New(ctx, resource.WithAttributes(name), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil && about == nil {
		return nil, err
	}
	return trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about), trace.WithSampler(trace.AlwaysSample())), nil
}
