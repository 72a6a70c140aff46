package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// opaquePrefix begins the single file of the modules below.
const opaquePrefix = `-- run.go --
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	_ "unsafe"

	"github.com/musterrun/muster"
)

var _ = []any{fmt.Sprint, io.EOF, os.Args, reflect.TypeOf}

func handle(_ context.Context, n int) (string, error) { return "", nil }

func main() {}

`

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, want string }{
		"name that isn't constant": {
			`var name = "f"
			var f = muster.Func(name, handle)`,
			"muster.Func with a name that isn't a constant: the executable's build id serves",
		},
		"variable set at run time": {
			`var chosen = handle
			func choose() { chosen = nil }
			var f = muster.Func("f", chosen)`,
			`the code of "f" is chosen by chosen, which m.choose sets at run time: the executable's build id serves for f`,
		},
		"parameter": {
			`func register(fn func(context.Context, int) (string, error)) { muster.Func("f", fn) }`,
			`the code of "f" depends on variables of the function that registers it: the executable's build id serves for f`,
		},
		"variable of another module": {
			`var f = muster.Func("f", muster.Plain(func(n int) string { return "" }))
			var g = muster.Func("g", muster.PlainErr(reader.Read))
			var reader = io.Discard.(interface{ Read(int) (string, error) })
			var h = muster.Func("h", muster.PlainErr(os.Stdout.Write))`,
			`the code of "h" is chosen by os.Stdout: the executable's build id serves for h`,
		},
		"MethodByName": {
			`var f = muster.Func("f", muster.Plain(func(s string) string { reflect.ValueOf(s).MethodByName(s); return "" }))`,
			`(reflect.Value).MethodByName calls a method by a name that is made at run time: the executable's build id serves for f`,
		},
		"linkname": {
			`//go:linkname now time.now
			func now() (int64, int32, int64)
			var f = muster.Func("f", muster.Plain(func(s string) string { now(); return "" }))`,
			`go:linkname lets now be code of another package: the executable's build id serves for f`,
		},
		"no body": {
			`func elsewhere()
			var f = muster.Func("f", muster.Plain(func(s string) string { elsewhere(); return "" }))`,
			`elsewhere has no body here: the executable's build id serves for f`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, opaquePrefix+c.code+"\n-- run.s --\n")
			if name != "linkname" { // which needs an empty file of assembly
				edit(t, dir, "run.s: -")
			}
			m := analyseDir(t, dir)
			var said []string
			for _, w := range m.Warnings {
				if !strings.HasPrefix(w.String(), filepath.Join(dir, "run.go")+":") {
					t.Errorf("%v has no place", w)
				}
				_, text, _ := strings.Cut(strings.TrimPrefix(w.String(), dir), ": ")
				said = append(said, text)
			}
			if !strings.Contains(strings.Join(said, "\n"), c.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(said, "\n"), c.want)
			}
			for _, f := range m.Functions {
				if strings.HasSuffix(c.want, "for "+f.Name) != (f.Fingerprint == "") {
					t.Errorf("%s has the fingerprint %q", f.Name, f.Fingerprint)
				}
			}
		})
	}
}

func TestWarningNamesFunctions(t *testing.T) {
	t.Parallel()
	w := Warning{Text: "x"}
	w.Position.Filename, w.Position.Line = "a.go", 3
	for want, functions := range map[string][]string{
		"a.go:3: x: the executable's build id serves":                  nil,
		"a.go:3: x: the executable's build id serves for f":            {"f"},
		"a.go:3: x: the executable's build id serves for f and 2 more": {"f", "g", "h"},
	} {
		w.Functions = functions
		if w.String() != want {
			t.Errorf("got  %s\nwant %s", w, want)
		}
	}
}

func TestCgoIsOpaque(t *testing.T) {
	t.Parallel()
	dir := newModule(t, opaquePrefix+`var f = muster.Func("f", muster.Plain(func(n int) int { return add(n) }))
var g = muster.Func("g", handle)
-- c.go --
package main

// static int one() { return 1; }
import "C"

func add(n int) int { return n + int(C.one()) }
`)
	m, err := analyse(t.Context(), Config{Dir: dir, Env: []string{"CGO_ENABLED=1"}},
		golang{dir: dir, env: []string{"CGO_ENABLED=1"}, run: remember})
	if err != nil {
		t.Fatal(err)
	}
	if f := function(t, m, "f"); f.Fingerprint != "" || f.opaque != "cgo's C.one is code in C" {
		t.Errorf("f: %q, %q", f.Fingerprint, f.opaque)
	}
	if function(t, m, "g").Fingerprint == "" {
		t.Error("g doesn't reach C and has no fingerprint")
	}
}

func TestIrregularFiles(t *testing.T) {
	t.Parallel()
	dir := newModule(t, opaquePrefix+`var f = muster.Func("f", handle)
-- other.txt --
package main
`)
	if err := os.Symlink(filepath.Join(dir, "other.txt"), filepath.Join(dir, "other_link.go")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, ".#editor.go")); err != nil { // Go ignores it, and so must we
		t.Fatal(err)
	}
	if f := function(t, analyseDir(t, dir), "f"); !strings.Contains(f.opaque, "isn't a regular file") {
		t.Errorf("a linked source: %+v", f)
	}
}

func TestBrokenCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, want string }{
		"syntax":  {"func {", "run.go"},
		"types":   {"var x int = \"\"", "type-check example.com/m: "},
		"package": {"import \"example.com/m/absent\"", "no required module provides package example.com/m/absent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, "-- run.go --\npackage main\n\n"+c.code)
			_, err := Analyse(t.Context(), Config{Dir: dir})
			if err == nil || !strings.HasPrefix(err.Error(), "analyse sources: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to name %s", err, c.want)
			}
		})
	}
}
