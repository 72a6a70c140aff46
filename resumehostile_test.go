package muster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
)

// prickly is a result whose bytes can't be made.
type prickly struct{ N int }

func (p prickly) MarshalText() ([]byte, error) {
	if p.N == 13 {
		panic("thirteen")
	}
	return fmt.Append(nil, p.N), nil
}

func (p *prickly) UnmarshalText(text []byte) error {
	_, err := fmt.Sscan(string(text), &p.N)
	return err
}

var (
	resumePanics = muster.Func("resume.panics", func(_ context.Context, x int) (int, error) {
		resumeRuns.Add(1)
		panic(fmt.Errorf("item %d: %w", x, io.ErrNoProgress))
	})
	resumePrickly = muster.Func("resume.prickly", func(_ context.Context, x int) (prickly, error) {
		resumeRuns.Add(1)
		return prickly{x}, nil
	})
	cachedPrickly = muster.Func("cached.prickly", func(_ context.Context, p prickly) (prickly, error) {
		cachedRuns.Add(1)
		return p, nil
	}, muster.Cached())
)

// A failure that stands when the job goes on has what it had: the panic's stack, and the error that it was.
func TestResumedPanic(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir(), ResumeFailures: true}
	program := func(ctx context.Context) (string, error) {
		_, called := resumePanics.Call(ctx, 1)
		_, mapped := muster.Collect(resumePanics.Map(ctx, slices.Values([]int{2})))
		var texts []string
		for _, err := range []error{called, mapped} {
			var te *muster.TaskError
			if !errors.As(err, &te) || !strings.Contains(te.Stack, "resumehostile_test.go") || !errors.Is(err, io.ErrNoProgress) {
				return "", fmt.Errorf("%w: it has no stack, or isn't what it was", err)
			}
			texts = append(texts, err.Error(), te.Stack)
		}
		return strings.Join(texts, "\n"), nil
	}
	first, _ := runJob(t, c, program)
	if again, runs := runJob(t, c, program); again != first || runs != 0 {
		t.Errorf("%d runs, got\n%s\nwant\n%s", runs, again, first)
	}
}

// A Ref that came back from the journal has the name of its function in plans.
func TestPlanOfARestoredRef(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	program := func(ctx context.Context) (string, error) {
		r, err := resumePick.Call(ctx, 7)
		if err != nil {
			return "", err
		}
		next := resumeDouble.From(ctx, r)
		if err := next.Wait(ctx); err != nil {
			return "", err
		}
		return numberless(timeless(next.Plan().String())), nil
	}
	for life := range 2 {
		got, _ := runJob(t, c, program)
		if !strings.HasPrefix(got, "1 resume.double done") || !strings.Contains(got, "2 resume.double done") {
			t.Errorf("life %d:\n%s", life, got)
		}
	}
}

// A result whose own marshalling panics is returned all the same, and an event says why it isn't kept.
func TestResultsThatPanicWhenEncoded(t *testing.T) {
	var seen []string
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir(), OnEvent: func(e event.Event) {
		if e.Kind == event.CacheFailed || e.Kind == event.Hint && e.Func != "" {
			seen = append(seen, e.Text)
		}
	}}
	program := func(ctx context.Context) (string, error) {
		a, err1 := resumePrickly.Call(ctx, 13)
		b, err2 := muster.Collect(resumePrickly.Map(ctx, slices.Values([]int{12, 13})))
		d, err3 := cachedPrickly.Call(ctx, prickly{13})
		return fmt.Sprint(a.N, b[0].N, b[1].N, d.N), errors.Join(err1, err2, err3)
	}
	for range 2 {
		seen = nil
		if got, _ := runJob(t, c, program); got != "13 12 13 13" {
			t.Error(got)
		}
		for _, name := range []string{"resume.prickly", "cached.prickly"} {
			if !slices.ContainsFunc(seen, func(s string) bool {
				return strings.HasPrefix(s, name+" isn't ") && strings.HasSuffix(s, "its MarshalText panicked: thirteen")
			}) {
				t.Errorf("no event tells of %s: %q", name, seen)
			}
		}
	}
}

// A job that can't be opened says where to go on.
func TestJobInAFolderThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := muster.Open(t.Context(), muster.Config{Job: "j", CacheDir: file})
	oneLine(t, err, "muster: open job j: ", "Config.CacheDir names another folder for jobs")
}
