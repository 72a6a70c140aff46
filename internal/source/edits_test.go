package source

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

// program registers function f, which calls run, where a module of testdata/edits has no reg.go of its own.
const program = `-- reg.go --
package main

import (
	"context"

	"github.com/musterrun/muster"
)

var f = muster.Func("f", func(_ context.Context, n int) (string, error) { return run(n), nil })

func main() { f.Call(context.Background(), 1) }
`

// TestEditsMore makes edits that might fool an analysis. Each archive of testdata/edits is a module; the lines before
// its files are edits, in Go's escapes, that begin with what they must do to the fingerprint of f.
func TestEditsMore(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/edits/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no modules", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		archive := string(text)
		if !strings.Contains(archive, "-- reg.go --") {
			archive += program
		}
		before := sync.OnceValue(func() Function {
			return function(t, analyseDir(t, newModule(t, archive)), "f")
		})
		for line := range strings.Lines(string(txtar.Parse(text).Comment)) {
			want, script, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if want != "same" && want != "changed" {
				continue
			}
			t.Run(filepath.Base(name)+"/"+line, func(t *testing.T) {
				t.Parallel()
				checkEdit(t, archive, script, before, want == "same")
			})
		}
	}
}

func checkEdit(t *testing.T, archive, script string, before func() Function, same bool) {
	t.Helper()
	if before().Fingerprint == "" {
		t.Fatalf("no fingerprint: %s", before().opaque)
	}
	dir := newModule(t, archive)
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", " ;; ", "\n--\n")
	edit(t, dir, unescape.Replace(script))
	after := function(t, analyseDir(t, dir), "f")
	if (before().Fingerprint == after.Fingerprint) != same {
		t.Errorf("same = %v, want %v: %v\n%v", !same, same, Explain(before().Units, after.Units), keys(after))
	}
}
