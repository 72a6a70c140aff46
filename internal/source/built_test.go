package source

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/musterrun/muster/fingerprint"
)

// The tests in this file build programs with the real package muster and ask them for their fingerprints.

const builtProgram = `
-- main.go --
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/fingerprint"

	"example.com/m/lib"
	"example.com/dep"
)

var version = "dev"

var f = muster.Func("f", muster.Plain(lib.Do))

var g = muster.Func("g", func(_ context.Context, n int) (string, error) { return version + dep.Name(), nil })

func answer() string {
	code, err := fingerprint.Of(os.Args[len(os.Args)-1])
	if err != nil {
		return "error: " + err.Error()
	}
	kind := "fresh"
	if code.Reason != nil {
		kind = code.Reason.Kind.String()
	}
	return fmt.Sprintf("answer %s %s %d", code.ID, kind, len(fingerprint.Units("f")))
}

func main() {
	_, _ = f, g
	fmt.Println(answer())
}
-- main_test.go --
package main

import (
	"fmt"
	"testing"
)

func TestAnswer(t *testing.T) { fmt.Println(answer()) }
-- lib/lib.go --
package lib

import "fmt"

// Do does.
func Do(n int) string { return fmt.Sprint(n + 1) }
-- dep/go.mod --
module example.com/dep

go 1.24

require github.com/musterrun/muster v0.0.0
-- dep/dep.go --
package dep

func Name() string { return "dep" }
`

// newProgram writes a program that is built with this repository.
func newProgram(t *testing.T) (dir string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	mod := read(t, root, "go.mod")
	_, requires, _ := strings.Cut(mod, "\nrequire")
	write(t, dir, "go.mod", fmt.Sprintf("module example.com/m\n\ngo 1.26.0\n\nrequire (\n\texample.com/dep v0.0.0\n\t%s v0.0.0\n)\n\n"+
		"replace example.com/dep => ./dep\n\nreplace %s => %s\n\nrequire%s", musterPath, musterPath, root, requires))
	write(t, dir, "go.sum", read(t, root, "go.sum"))
	for _, f := range txtar.Parse([]byte(builtProgram)).Files {
		write(t, dir, f.Name, string(f.Data))
	}
	return dir
}

// answer is what a program said.
type answer struct{ id, kind string }

// ask runs the go command, or a program, and reads its answer.
func ask(t *testing.T, dir, name string, args ...string) answer {
	t.Helper()
	out := execute(t, dir, name, args...)
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) == 4 && words[0] == "answer" {
			return answer{words[1], words[2]}
		}
	}
	t.Fatalf("%s %v: no answer in %s", name, args, out)
	return answer{}
}

func execute(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, trouble.Bytes())
	}
	return string(out)
}

// generate analyses a program and brings its generated files up to date.
func generate(t *testing.T, dir string) *Module {
	t.Helper()
	m, err := Analyse(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.WriteFiles(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestProgramsAgree(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	write(t, dir, "lib/.#lib.go", "an editor's file")
	write(t, dir, "lib/_lib.go", "not Go's")
	f := function(t, generate(t, dir), "f")
	fresh := answer{f.Fingerprint, "fresh"}
	exe := filepath.Join(dir, "program.exe")
	execute(t, dir, "go", "build", "-o", exe, ".")
	trimmed := filepath.Join(dir, "trimmed.exe")
	execute(t, dir, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", trimmed, ".")
	for how, got := range map[string]answer{
		"go run":    ask(t, dir, "go", "run", ".", "f"),
		"go test":   ask(t, dir, "go", "test", "-count=1", "-v", ".", "-args", "f"),
		"go build":  ask(t, dir, exe, "f"),
		"-trimpath": ask(t, dir, trimmed, "f"),
	} {
		if got != fresh {
			t.Errorf("%s: %v, want %v", how, got, fresh)
		}
	}
	if again := ask(t, dir, exe, "f"); again != fresh {
		t.Errorf("the second process: %v, want %v", again, fresh)
	}
}

func TestStaleProgramUsesItsBuildID(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	before := function(t, generate(t, dir), "f").Fingerprint

	edit(t, dir, "lib/lib.go: // Do does. => // Do is commented.")
	stale := ask(t, dir, "go", "run", ".", "f")
	if stale.kind != fingerprint.Changed.String() || stale.id == before {
		t.Errorf("after a comment and before it is generated again: %v", stale)
	}
	if after := function(t, generate(t, dir), "f").Fingerprint; after != before {
		t.Errorf("a comment changed the fingerprint")
	}
	if got := ask(t, dir, "go", "run", ".", "f"); got != (answer{before, "fresh"}) {
		t.Errorf("generated again: %v, want %v", got, before)
	}

	edit(t, dir, "lib/lib.go: n + 1 => n + 2")
	staler := ask(t, dir, "go", "test", "-count=1", "-v", ".", "-args", "f")
	if staler.kind != fingerprint.Changed.String() || staler.id == before || staler.id == stale.id {
		t.Errorf("after an edit and before it is generated again: %v", staler)
	}
	after := function(t, generate(t, dir), "f").Fingerprint
	if got := ask(t, dir, "go", "run", ".", "f"); got != (answer{after, "fresh"}) || after == before {
		t.Errorf("generated again: %v, want %v, and not %v", got, after, before)
	}
}

func TestProgramTellsWhatDisagrees(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	if got := ask(t, dir, "go", "run", ".", "f"); got.kind != fingerprint.Absent.String() {
		t.Errorf("without generated files: %v", got)
	}
	generate(t, dir)
	exe := filepath.Join(dir, "program.exe")
	execute(t, dir, "go", "build", "-tags=extra", "-o", exe, ".")
	if got := ask(t, dir, exe, "f"); got.kind != fingerprint.Environment.String() {
		t.Errorf("with a build tag: %v", got)
	}
	execute(t, dir, "go", "build", "-ldflags=-X main.version=1", "-o", exe, ".")
	if got := ask(t, dir, exe, "g"); got.kind != fingerprint.Environment.String() {
		t.Errorf("with a variable that the linker sets: %v", got)
	}
	if got := ask(t, dir, exe, "f"); got.kind != "fresh" {
		t.Errorf("with a variable of another function's that the linker sets: %v", got)
	}
	if err := os.Remove(filepath.Join(dir, "lib", fingerprint.File)); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, dir, "go", "run", ".", "f"); got.kind != fingerprint.Missing.String() {
		t.Errorf("without the file of one package: %v", got)
	}
	if got := ask(t, dir, "go", "run", ".", "g"); got.kind != "fresh" {
		t.Errorf("a function that doesn't reach that package: %v", got)
	}
}

func TestProgramsWithBuildTags(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	edit(t, dir, "lib/lib.go: package lib => //go:build !extra\n\npackage lib")
	write(t, dir, "lib/extra.go", "//go:build extra\n\npackage lib\n\nfunc Do(n int) string { return \"extra\" }\n")
	plain := function(t, generate(t, dir), "f").Fingerprint
	m, err := Analyse(t.Context(), Config{Dir: dir, Tags: []string{"extra"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.WriteFiles(); err != nil {
		t.Fatal(err)
	}
	extra := function(t, m, "f").Fingerprint
	if got := ask(t, dir, "go", "run", "-tags=extra", ".", "f"); got != (answer{extra, "fresh"}) || extra == plain {
		t.Errorf("with the tag: %v, want %s, and without it %s", got, extra, plain)
	}
	if got := ask(t, dir, "go", "test", "-tags=extra", "-count=1", "-v", ".", "-args", "f"); got != (answer{extra, "fresh"}) {
		t.Errorf("go test with the tag: %v, want %s", got, extra)
	}
	if got := ask(t, dir, "go", "run", ".", "f"); got.kind != fingerprint.Environment.String() {
		t.Errorf("generated with the tag, built without it: %v", got)
	}
}

func TestOverlayLeavesTheTreeAlone(t *testing.T) {
	t.Parallel()
	dir, overlay := newProgram(t), t.TempDir()
	edit(t, dir, "dep/go.mod: require github.com/musterrun/muster v0.0.0 => // nothing required")
	m, err := Analyse(t.Context(), Config{Dir: dir, Patterns: []string{"."}, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	name, err := m.Overlay(overlay)
	if err != nil {
		t.Fatal(err)
	}
	want := answer{function(t, m, "g").Fingerprint, "fresh"}
	if got := ask(t, dir, "go", "run", "-overlay", name, ".", "g"); got != want {
		t.Errorf("go run -overlay: %v, want %v", got, want)
	}
	edit(t, dir, "dep/dep.go: \"dep\" => \"DEP\"")
	if got := ask(t, dir, "go", "run", "-overlay", name, ".", "g"); got.kind != fingerprint.Changed.String() {
		t.Errorf("an overlay that is outdated: %v", got)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", fingerprint.File))
	if err != nil || len(found) > 0 {
		t.Errorf("the tree has %v, %v", found, err)
	}
}

// What a package does that the function doesn't reach matters as soon as it does something to the function's variables,
// before anything is generated again.
func TestPackageThatBeginsToMatter(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	edit(t, dir, "lib/lib.go: n + 1 => n + Step\n--\nlib/lib.go: += // Step is exported.\nvar Step = 1")
	m := generate(t, dir)
	before := function(t, m, "f").Fingerprint
	if got := ask(t, dir, "go", "run", ".", "f"); got != (answer{before, "fresh"}) {
		t.Errorf("generated: %v, want %v", got, before)
	}
	edit(t, dir, "dep/dep.go: \"dep\" => \"depp\"") // a guard
	if got := ask(t, dir, "go", "run", ".", "f"); got.kind != fingerprint.Changed.String() {
		t.Errorf("another package of the program was edited: %v", got)
	}
	if after := function(t, generate(t, dir), "f").Fingerprint; after != before {
		t.Errorf("it changed the fingerprint")
	}
	write(t, dir, "cmd/new/main.go", strings.Replace(read(t, dir, "main.go"), "func main() {", "func main() {\n\tlib.Step = 2\n", 1))
	if got := ask(t, dir, "go", "run", "./cmd/new", "f"); got.kind == "fresh" {
		t.Errorf("a program that nobody analysed sets a variable: %v", got)
	}
	edit(t, dir, "main.go: _, _ = f, g => _, _ = f, g\n\tlib.Step = 2")
	if after := function(t, analyseDir(t, dir), "f").Fingerprint; after == before {
		t.Errorf("main sets a variable, and the fingerprint is the same")
	}
}

func TestWorkspaceAndVendoredProgramsAreFresh(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	_, replace, _ := strings.Cut(read(t, dir, "go.mod"), "replace "+musterPath+" => ")
	root, _, _ := strings.Cut(replace, "\n")
	write(t, dir, "go.work", "go 1.26.0\n\nuse (\n\t.\n\t./dep\n)\n\nreplace "+musterPath+" => "+root+"\n")
	write(t, dir, "go.work.sum", read(t, dir, "go.sum"))
	g := function(t, generate(t, dir), "g")
	if got := ask(t, dir, "go", "run", ".", "g"); got != (answer{g.Fingerprint, "fresh"}) {
		t.Errorf("in a workspace: %v, want %v", got, g.Fingerprint)
	}

	dir = newProgram(t)
	execute(t, dir, "go", "mod", "vendor")
	g = function(t, generate(t, dir), "g")
	if got := ask(t, dir, "go", "run", ".", "g"); got != (answer{g.Fingerprint, "fresh"}) {
		t.Errorf("vendored: %v, want %v", got, g.Fingerprint)
	}
	if got := generatedIn(t, dir); !slices.Contains(got, "vendor/example.com/dep/"+fingerprint.File) {
		t.Errorf("vendored: files %v", got)
	}
}
