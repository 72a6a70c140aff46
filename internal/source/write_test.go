package source

import (
	"encoding/json"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/musterrun/muster/fingerprint"
)

const twoPackages = `-- run.go --
package main

import "example.com/m/lib"

// Names that a generated file must not collide with.
var embed, fingerprint, musterEmbedded = 1, 2, 3

func run(n int) string { return lib.Do() }
-- lib/lib.go --
package lib

func Do() string { return "" }
-- alone/alone.go --
package alone
` + program

// files are the paths of generated files, relative to dir.
func generatedIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == fingerprint.File {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWriteFiles(t *testing.T) {
	t.Parallel()
	dir := newModule(t, twoPackages)
	m := analyseDir(t, dir)
	missing, err := m.Check()
	if err != nil || len(missing.Write) != 2 || missing.None() || len(generatedIn(t, dir)) != 0 {
		t.Fatalf("check before: %+v, %v, files %v", missing, err, generatedIn(t, dir))
	}
	wrote, err := m.WriteFiles()
	if err != nil || !slices.Equal(wrote.Write, missing.Write) {
		t.Fatalf("wrote %v, %v, want %v", wrote, err, missing.Write)
	}
	want := []string{"lib/" + fingerprint.File, fingerprint.File}
	if got := generatedIn(t, dir); !slices.Equal(got, want) {
		t.Fatalf("files %v, want %v", got, want)
	}
	text := read(t, dir, fingerprint.File)
	if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text || !strings.HasPrefix(text, header) {
		t.Errorf("not gofmt's format, or no header: %v\n%s", err, text)
	}
	if lib := read(t, dir, want[0]); len(lib) > 500 {
		t.Errorf("the file of a package that registers nothing has %d bytes:\n%s", len(lib), lib)
	}

	// The generated files change nothing, and are written only if they differ.
	again := analyseDir(t, dir)
	if a, b := function(t, m, "f"), function(t, again, "f"); a.Fingerprint != b.Fingerprint {
		t.Errorf("generated files changed the fingerprint: %v", Explain(a.Units, b.Units))
	}
	old, err := os.Stat(filepath.Join(dir, fingerprint.File))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := again.WriteFiles(); err != nil || !c.None() {
		t.Errorf("writing again: %+v, %v", c, err)
	}
	if now, err := os.Stat(filepath.Join(dir, fingerprint.File)); err != nil || !os.SameFile(old, now) {
		t.Errorf("the file was replaced: %v", err)
	}
}

func TestWriteFilesRemovesWhatNothingReaches(t *testing.T) {
	t.Parallel()
	dir := newModule(t, twoPackages)
	if _, err := analyseDir(t, dir).WriteFiles(); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, "run.go: return lib.Do() => return \"\"\n--\nrun.go: import \"example.com/m/lib\" => import _ \"example.com/m/lib\"")
	write(t, dir, "alone/"+fingerprint.File, "package alone\n\n// Written by hand.\n")
	c, err := analyseDir(t, dir).WriteFiles()
	if err != nil || len(c.Remove) != 1 || filepath.Dir(c.Remove[0]) != filepath.Join(dir, "lib") {
		t.Errorf("removed %v, %v", c.Remove, err)
	}
	if got := generatedIn(t, dir); !slices.Equal(got, []string{"alone/" + fingerprint.File, fingerprint.File}) {
		t.Errorf("files %v", got)
	}
}

// A generated file whose patterns match nothing any more must not keep the analysis from mending it.
func TestBrokenGeneratedFileIsMended(t *testing.T) {
	t.Parallel()
	dir := newModule(t, twoPackages)
	write(t, dir, "lib/"+fingerprint.File, header+"\npackage lib\n\nimport \"embed\"\n\n//go:embed *.s\nvar x embed.FS\n\nfunc {")
	if c, err := analyseDir(t, dir).WriteFiles(); err != nil || len(c.Write) != 2 {
		t.Errorf("wrote %v, %v", c.Write, err)
	}
	if c, err := analyseDir(t, dir).Check(); err != nil || !c.None() {
		t.Errorf("after it: %+v, %v", c, err)
	}
}

func TestModuleThatDoesNotRequireMuster(t *testing.T) {
	t.Parallel()
	dir := newModule(t, replaced)
	c, err := analyseDir(t, dir).WriteFiles()
	if err != nil || len(c.Warnings) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	want := "example.com/dep needs a generated file and its module doesn't require muster: run `go get " + musterPath + "` in " +
		filepath.Join(dir, "dep") + ": the executable's build id serves for f"
	if got := c.Warnings[0].String(); !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := generatedIn(t, dir); !slices.Equal(got, []string{fingerprint.File}) {
		t.Errorf("files %v", got)
	}
	if text := read(t, dir, fingerprint.File); !strings.Contains(text, `opaque "f" the module of example.com/dep`) {
		t.Errorf("the record doesn't say why:\n%s", text)
	}
}

func TestEmbedPatternsInGeneratedFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/edits/files.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := newModule(t, string(text)+program)
	m := analyseDir(t, dir)
	if _, err := m.WriteFiles(); err != nil {
		t.Fatal(err)
	}
	want := "//go:embed [^._]*.go [^._]*.h [^._]*.s all:all one.txt static\n"
	if text := read(t, dir, fingerprint.File); !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	// What they embed is what was hashed: the patterns of files that matter only.
	sum := m.packages[0].sum
	edit(t, dir, "two.txt: = other\n--\nlib_test.go: = package main\n--\nstatic/.hidden: = other")
	if again := analyseDir(t, dir).packages[0].sum; again != sum {
		t.Error("files that aren't embedded changed the sum")
	}
	edit(t, dir, "static/sub/b.txt: = other")
	if again := analyseDir(t, dir).packages[0].sum; again == sum {
		t.Error("an embedded file doesn't count in the sum")
	}
}

func TestEmbeddedTestFileIsOpaque(t *testing.T) {
	t.Parallel()
	dir := newModule(t, "-- run.go --\npackage main\n\nimport _ \"embed\"\n\n//go:embed x_test.go\nvar x string\n\n"+
		"func run(n int) string { return x }\n-- x_test.go --\npackage main\n"+program)
	if f := function(t, analyseDir(t, dir), "f"); f.opaque != "a go:embed in example.com/m takes in x_test.go" {
		t.Errorf("got %+v", f)
	}
}

func TestOverlayHidesStrayFiles(t *testing.T) {
	t.Parallel()
	dir := newModule(t, twoPackages)
	write(t, dir, "alone/"+fingerprint.File, header+"\npackage alone\n")
	name, err := analyseDir(t, dir).Overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &overlay); err != nil {
		t.Fatal(err)
	}
	for file, hidden := range map[string]bool{"": false, "lib": false, "alone": true} {
		with, ok := overlay.Replace[filepath.Join(dir, file, fingerprint.File)]
		if !ok || (with == "") != hidden {
			t.Errorf("%q is replaced by %q", file, with)
		}
	}
}

// Two analyses of the same tree, by either way of loading and in different folders, give the same.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/list.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var first *Module
	for _, fromSource := range []bool{false, true, false} {
		dir := newModule(t, string(text))
		m, err := analyse(t.Context(), Config{Dir: dir, FromSource: fromSource}, golang{dir: dir, run: remember})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = m
		}
		if a, b := first.record("example.com/m", nil), m.record("example.com/m", nil); a != b {
			t.Errorf("from source %v:\n%s\nbefore:\n%s", fromSource, b, a)
		}
	}
}
