package source

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
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

// oneEdit is a change of a module, and what it must do to the fingerprint of f.
type oneEdit struct {
	name   string
	same   bool
	script string
}

// suite is a module and the edits that are made to it, one at a time.
type suite struct {
	name, archive string
	edits         []oneEdit
}

// TestEdits makes every edit: those that any fingerprint must answer rightly, and those of testdata/edits, which might
// fool an analysis. Before and after an edit it builds the program and runs it, but for -short.
func TestEdits(t *testing.T) {
	t.Parallel()
	muster := newStandIn(t)
	for _, s := range suites(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			before := afterEdit(t, s.archive, "", muster, s.ways())
			before.agree(t)
			for i, e := range s.edits {
				t.Run(e.name, func(t *testing.T) {
					t.Parallel()
					after := afterEdit(t, s.archive, e.script, muster, s.waysAfter(i))
					after.agree(t)
					after.compare(t, before, e.same)
				})
			}
		})
	}
}

// ways are those in which the program can be run here.
func (s suite) ways() []string {
	if s.name == "files.txtar" && runtime.GOARCH != "amd64" {
		return nil // it has assembly
	}
	return ways
}

// waysAfter are those for an edit. Unless MUSTER_EDITS=all, they are all for the listed ones only: of the others every
// sixth is run, in one way after the other, or the test would take three times as long.
func (s suite) waysAfter(i int) []string {
	all := s.ways()
	switch {
	case s.name == "list" || allEdits || len(all) == 0:
		return all
	case i%6 == 0:
		return all[i/3%len(all):][:1]
	}
	return nil
}

var allEdits = os.Getenv("MUSTER_EDITS") == "all"

func suites(t *testing.T) []suite {
	t.Helper()
	all := []suite{{name: "list", archive: read(t, "testdata", "list.txtar"), edits: listedEdits}}
	names, err := filepath.Glob("testdata/edits/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no modules", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, newSuite(name, string(text)))
	}
	return all
}

// newSuite reads an archive. The lines before its files are edits, in Go's escapes, that begin with what they must do.
func newSuite(name, archive string) suite {
	s := suite{name: filepath.Base(name), archive: archive}
	if !strings.Contains(archive, "-- reg.go --") {
		s.archive += program
	}
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", " ;; ", "\n--\n")
	for line := range strings.Lines(string(txtar.Parse([]byte(archive)).Comment)) {
		want, script, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if want == "same" || want == "changed" {
			s.edits = append(s.edits, oneEdit{line, want == "same", unescape.Replace(script)})
		}
	}
	return s
}
