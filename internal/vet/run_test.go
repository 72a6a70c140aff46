package vet_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/musterrun/muster/internal/vet"
)

// TestRunReadsDependencies checks one package: what it does wrong shows only with those that it imports, and what they
// do wrong by themselves isn't reported.
func TestRunReadsDependencies(t *testing.T) {
	dir := module(t)
	var out strings.Builder
	n, err := vet.Run(t.Context(), filepath.Join(dir, "sharedvar", "app"), []string{"."}, &out, false)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if n != 10 || len(lines) != n {
		t.Errorf("%d findings:\n%s", n, out.String())
	}
	for _, l := range lines {
		if !strings.HasPrefix(l, "main.go:") || !strings.HasSuffix(l, "(sharedvar)") {
			t.Error(l)
		}
	}
}

func TestRunFindsNothing(t *testing.T) {
	dir := module(t)
	for asJSON, want := range map[bool]string{false: "", true: "[]\n"} {
		var out strings.Builder
		n, err := vet.Run(t.Context(), dir, []string{"./sharedvar/nomain", "./sharedvar/conf"}, &out, asJSON)
		if n != 0 || err != nil || out.String() != want {
			t.Error(asJSON, n, err, out.String())
		}
	}
}

func TestRunFails(t *testing.T) {
	dir := module(t)
	writeFile(t, filepath.Join(dir, "broken.go"), "package broken\n\nvar x int = \"\"\n")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx      context.Context
		dir      string
		patterns []string
		want     string
	}{
		{t.Context(), dir, []string{"."}, "broken.go:3:13"},
		{t.Context(), dir, []string{"./nowhere"}, "nowhere"},
		{t.Context(), dir, []string{"example.com/nowhere/..."}, "no packages match"},
		{t.Context(), filepath.Join(dir, "nowhere"), []string{"."}, "nowhere"},
		{ended, dir, []string{"."}, "context canceled"},
	} {
		var out bytes.Buffer
		n, err := vet.Run(c.ctx, c.dir, c.patterns, &out, false)
		if n != 0 || err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%v: %d, %v, %s; want an error with %q", c.patterns, n, err, &out, c.want)
		}
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestRunReportsAWriterThatFails(t *testing.T) {
	dir := module(t)
	if n, err := vet.Run(t.Context(), dir, []string{"./execctx/app"}, brokenPipe{}, false); n == 0 || !errors.Is(err, errPipe) {
		t.Error(n, err)
	}
}
