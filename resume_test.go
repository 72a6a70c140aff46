package muster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
)

func TestResume(t *testing.T) {
	for name, p := range resumePrograms {
		t.Run(name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir(), Strict: strict}
				want, runs := runJob(t, muster.Config{CPUs: 2, Strict: strict}, p)
				first, ran := runJob(t, c, p)
				if first != want || ran != runs || runs == 0 {
					t.Errorf("with a journal: %s after %d runs, without: %s after %d", first, ran, want, runs)
				}
				for range 2 {
					if again, ran := runJob(t, c, p); again != want || ran != 0 {
						t.Errorf("again: %s after %d runs, want %s after none", again, ran, want)
					}
				}
			}
		})
	}
}

// A Ref in a recorded result is as good as any other for a call that wasn't made before.
func TestRestoredRefsArePassedOn(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	runJob(t, c, resumePrograms["Flatten"])
	got, ran := runJob(t, c, func(ctx context.Context) (string, error) {
		r, err := resumePick.Call(ctx, 1)
		if err != nil {
			return "", err
		}
		v, err := tAdd.Call(ctx, pair{r, r})
		return fmt.Sprint(v), err
	})
	if got != "404" || ran != 0 {
		t.Errorf("%s after %d runs, want 404 after none", got, ran)
	}
}

// A job that is cut short at any item goes on with the rest.
func TestResumeInTheMiddle(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	seen := map[int]bool{}
	for stop := 100; stop <= 1000; stop += 100 {
		s, ctx, err := muster.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for v, err := range resumeTimed.Map(ctx, slices.Values(upTo(1000))) {
			if err != nil || v != -n {
				t.Fatal(v, err)
			}
			if n++; n == stop {
				break
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		seen[n] = true
	}
	_, runs := runJob(t, c, func(ctx context.Context) (string, error) {
		got, err := muster.Collect(resumeTimed.Map(ctx, slices.Values(upTo(1000))))
		return fmt.Sprint(len(got)), err
	})
	if runs != 0 || len(seen) != 10 {
		t.Errorf("%d runs after all was recorded", runs)
	}
}

func TestResumeFailures(t *testing.T) {
	defer resumeBroken.Store(false)
	program := func(ctx context.Context) (string, error) {
		var got []string
		for v, err := range resumeFragile.Map(ctx, slices.Values(upTo(70))) {
			got = append(got, fmt.Sprint(v, err))
		}
		_, err := resumeFragile.Call(ctx, 3)
		return strings.Join(append(got, fmt.Sprint(err)), "\n"), nil
	}
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	resumeBroken.Store(true)
	failed, _ := runJob(t, c, program)
	c.ResumeFailures = true
	if again, runs := runJob(t, c, program); again != failed || runs != 0 {
		t.Errorf("%d runs, got\n%s\nwant\n%s", runs, again, failed)
	}
	c.ResumeFailures = false
	resumeBroken.Store(false)
	mended, runs := runJob(t, c, program)
	if strings.Contains(mended, "broken") || runs != 11 {
		t.Errorf("%d runs, want the 11 that had failed:\n%s", runs, mended)
	}
	if again, runs := runJob(t, c, program); again != mended || runs != 0 {
		t.Errorf("%d runs after all had succeeded", runs)
	}
}

// What a call had done before it failed isn't done again.
func TestResumeInsideAFailedCall(t *testing.T) {
	defer resumeBroken.Store(false)
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	resumeBroken.Store(true)
	_, first := runJob(t, c, func(ctx context.Context) (string, error) {
		if _, err := resumeNested.Call(ctx, 40); err == nil {
			t.Error("it must fail")
		}
		return "", nil
	})
	resumeBroken.Store(false)
	got, second := runJob(t, c, func(ctx context.Context) (string, error) {
		n, err := resumeNested.Call(ctx, 40)
		return fmt.Sprint(n), err
	})
	if first != 41 || second != 1 || got != "40" {
		t.Errorf("%d runs, then %d, got %s", first, second, got)
	}
}

// Other inputs than those recorded are computed, and the results are theirs.
func TestResumeWithOtherInputs(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	over := func(xs []int) resumeProgram {
		return func(ctx context.Context) (string, error) {
			got, err := muster.Collect(resumeTimed.Map(ctx, slices.Values(xs)))
			return fmt.Sprint(got), err
		}
	}
	xs := upTo(200)
	runJob(t, c, over(xs))
	changed := slices.Clone(xs)
	changed[50] = 1000
	want, _ := runJob(t, muster.Config{}, over(changed))
	if got, runs := runJob(t, c, over(changed)); got != want || runs < 1 || runs > 150 {
		t.Errorf("%d runs, got %s", runs, got)
	}
	shorter, _ := runJob(t, c, over(xs[:120]))
	if want, _ := runJob(t, muster.Config{}, over(xs[:120])); shorter != want {
		t.Error(shorter)
	}
}

func TestJobHeld(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "held", CacheDir: t.TempDir()}
	s, _, err := muster.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := muster.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "muster: job held is open in process") {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, _, err := muster.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	c.Job = "../x"
	if _, _, err := muster.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "letters") {
		t.Error(err)
	}
}

// When next to nothing matches, the session says so, and why.
func TestResumeMismatch(t *testing.T) {
	dir := t.TempDir()
	hints := func(f *muster.Function[int, int], xs []int) (texts []string) {
		c := muster.Config{CPUs: 2, Job: "j", CacheDir: dir, OnEvent: func(e event.Event) {
			if e.Kind == event.Hint && strings.Contains(e.Text, "journal") {
				texts = append(texts, e.Text)
			}
		}}
		runJob(t, c, func(ctx context.Context) (string, error) {
			_, err := muster.Collect(f.Map(ctx, slices.Values(xs)))
			return "", err
		})
		return texts
	}
	if got := hints(resumeDouble.With(muster.Version("1")), upTo(2000)); len(got) != 0 {
		t.Error("the first run:", got)
	}
	if got := hints(resumeDouble.With(muster.Version("1")), upTo(2000)); len(got) != 0 {
		t.Error("the same again:", got)
	}
	got := hints(resumeDouble.With(muster.Version("2")), upTo(2000))
	if len(got) != 1 || !strings.Contains(got[0], "the code of resume.double has changed") {
		t.Error("another version:", got)
	}
	shifted := upTo(2001)[1:]
	got = hints(resumeDouble.With(muster.Version("2")), shifted)
	if len(got) != 1 || !strings.Contains(got[0], "the arguments differ") {
		t.Error("other arguments:", got)
	}
}
