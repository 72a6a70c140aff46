package source

import (
	"os"
	"regexp"
	"testing"
)

// dependencies is a module that uses others, before they are vendored.
const dependencies = `-- go.mod --
module example.com/m

go 1.26.0

require (
	example.com/dep v1.0.0
	example.com/indirect v1.0.0
	example.com/unused v1.0.0
	github.com/musterrun/muster v1.0.0
)

replace (
	example.com/dep => ./dep
	example.com/indirect => ./indirect
	example.com/unused => ./unused
	github.com/musterrun/muster => MUSTER
)
-- dep/go.mod --
module example.com/dep

go 1.24

require example.com/indirect v1.0.0
-- dep/dep.go --
package dep

import "example.com/indirect"

func Name() string { return indirect.Name() }
-- indirect/go.mod --
module example.com/indirect

go 1.24
-- indirect/indirect.go --
package indirect

func Name() string { return "indirect" }
-- unused/go.mod --
module example.com/unused

go 1.24
-- unused/unused.go --
package unused

func Name() string { return "unused" }
-- other.go --
package main

import "example.com/unused"

func other() string { return unused.Name() }
-- run.go --
package main

import "example.com/dep"

func run(n int) string { return dep.Name() }
` + program

// newVendored has its dependencies in a vendor folder, as if they came from a proxy: nothing replaces them any more.
func newVendored(t *testing.T) (dir string) {
	t.Helper()
	dir = newEdited(t, dependencies, "", newStandIn(t))
	execute(t, dir, "go", "mod", "vendor")
	for name, replaced := range map[string]string{
		"go.mod":             `(?s)\nreplace \(.*?\n\)`,
		"vendor/modules.txt": `(?m)^# \S+ => .*\n| => .*$`,
	} {
		write(t, dir, name, regexp.MustCompile(replaced).ReplaceAllString(read(t, dir, name), ""))
	}
	return dir
}

func TestVersionsOfDependencies(t *testing.T) {
	t.Parallel()
	original := newVendored(t)
	edited := func(t *testing.T, script string) outcome {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		if script != "" {
			edit(t, dir, script)
		}
		o := tryOut(t, dir, ways)
		o.agree(t)
		return o
	}
	bump := func(module string) string {
		from, to := module+" v1.0.0", module+" v1.0.1"
		return "go.mod: " + from + " => " + to + "\n--\nvendor/modules.txt: # " + from + " => # " + to
	}
	before := edited(t, "")
	for _, e := range []oneEdit{
		{"version of a dependency", changed, bump("example.com/dep")},
		{"version of a dependency's dependency", changed, bump("example.com/indirect")},
		{"version of an unrelated dependency", same, bump("example.com/unused")},
		{"patch", changed, `vendor/example.com/indirect/indirect.go: "indirect" => "patched"`},
		{"unrelated patch", same, `vendor/example.com/unused/unused.go: "unused" => "patched"`},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			edited(t, e.script).compare(t, before, e.same)
		})
	}
}
