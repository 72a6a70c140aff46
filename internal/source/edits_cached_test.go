package source

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inSession is part of the programs that are linked with the whole of muster: it calls a function with results in CACHE.
const inSession = `
-- session.go --
package main

import (
	"context"
	"errors"

	"github.com/musterrun/muster"
)

func inSession[In, Out any](ctx context.Context, f *muster.Function[In, Out], in In) (Out, error) {
	s, ctx, err := muster.Open(ctx, muster.Config{CacheDir: "CACHE"})
	if err != nil {
		panic(err)
	}
	out, err := f.Call(ctx, in)
	println("\nthe call has ended")
	return out, errors.Join(err, s.Close())
}
`

// TestEditsOfCachedFunctions makes edits of programs whose function is Cached: it must run again exactly if the edit
// changes its fingerprint. Some of the listed edits stand for all, unless MUSTER_EDITS=all.
func TestEditsOfCachedFunctions(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it links the whole of muster into many programs")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(read(t, root, "go.mod"), "\nrequire")
	muster := standIn{dir: root, requires: "\nrequire" + requires, sums: read(t, root, "go.sum")}
	for _, s := range suites(t) {
		archive, ok := cachedProgram(s.archive)
		if !ok || s.name != "list" && !allEdits {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			archive := strings.ReplaceAll(archive, "CACHE", filepath.ToSlash(t.TempDir()))
			if !runsAfter(t, archive, "", muster, ways[0]) || runsAfter(t, archive, "", muster, ways[1]) {
				t.Fatal("unedited: it didn't run once")
			}
			for i, e := range s.edits {
				needsNewer := strings.HasPrefix(e.script, "go.mod: ") // muster itself needs the go line that is edited
				if i%6 != 0 && !allEdits || needsNewer {
					continue
				}
				t.Run(e.name, func(t *testing.T) {
					t.Parallel()
					if runs := runsAfter(t, archive, e.script, muster, ways[i/6%len(ways)]); runs == e.same {
						t.Errorf("the function runs: %v, want %v", runs, !e.same)
					}
				})
			}
		})
	}
}

// registered is how a program registers f, but for one that uses what the stand-in has in another form.
var registered = regexp.MustCompile(`(muster\.Func\("f", func.*\{) (return .*, nil \})\)`)

// cachedProgram has f cached, and says on the standard error when it runs.
func cachedProgram(archive string) (string, bool) {
	if !registered.MatchString(archive) {
		return "", false
	}
	archive = registered.ReplaceAllString(archive, `$1 println("\nthe function runs"); $2, muster.Cached())`)
	return strings.Replace(archive, "f.Call(context.Background(), ", "inSession(context.Background(), f, ", 1) + inSession, true
}

func runsAfter(t *testing.T, archive, script string, muster standIn, way string) bool {
	t.Helper()
	dir := newEdited(t, archive, script, muster)
	prepare(t, dir)
	out := start(t, dir, way)
	if !strings.Contains(out, "\nthe call has ended") {
		t.Fatalf("the call didn't end: %s", out)
	}
	return strings.Contains(out, "\nthe function runs")
}
