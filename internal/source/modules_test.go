package source

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/musterrun/muster/fingerprint"
)

const replaced = `-- go.mod --
module example.com/m

go 1.26

require (
	example.com/dep v0.0.0
	github.com/musterrun/muster v0.0.0
)

replace example.com/dep => ./dep

replace github.com/musterrun/muster => MUSTER
-- run.go --
package main

import "example.com/dep"

func run(n int) string { return dep.Name() }
-- dep/go.mod --
module example.com/dep

go 1.25
-- dep/dep.go --
package dep

func Name() string { return "dep" }

func Other() string { return "other" }
` + program

const workspace = `-- go.work --
go 1.26

use (
	./a
	./b
)

replace github.com/musterrun/muster => MUSTER
-- a/go.mod --
module example.com/a

go 1.26

require github.com/musterrun/muster v0.0.0
-- a/a.go --
package main

import (
	"context"

	"github.com/musterrun/muster"

	"example.com/b"
)

var f = muster.Func("f", func(_ context.Context, n int) (string, error) { return b.Name(), nil })

func main() { f.Call(context.Background(), 1) }
-- b/go.mod --
module example.com/b

go 1.26

require github.com/musterrun/muster v0.0.0
-- b/b.go --
package b

func Name() string { return "b" }

func Other() string { return "other" }
`

func TestWorkspaceIsInside(t *testing.T) {
	t.Parallel()
	dir := newModule(t, workspace)
	edit(t, dir, "go.mod: -")
	before := analyseDir(t, filepath.Join(dir, "a"))
	if f := function(t, before, "f"); !slices.Equal(f.Packages, []string{"example.com/a", "example.com/b"}) {
		t.Errorf("reaches %v", f.Packages)
	}
	if got := before.settings[fingerprint.MainModules]; got != "example.com/a,example.com/b" {
		t.Errorf("main modules %s", got)
	}
	for script, same := range map[string]bool{`b/b.go: "b" => "B"`: false, `b/b.go: "other" => "OTHER"`: true} {
		dir := newModule(t, workspace)
		edit(t, dir, "go.mod: -\n--\n"+script)
		after := analyseDir(t, filepath.Join(dir, "b")) // from any member
		if (function(t, after, "f").Fingerprint == function(t, before, "f").Fingerprint) != same {
			t.Errorf("%s: want same = %v", script, same)
		}
	}
}

const vendored = `-- go.mod --
module example.com/m

go 1.26

require (
	example.com/dep v1.0.0
	example.com/unused v1.0.0
	github.com/musterrun/muster v1.0.0
)

require example.com/indirect v1.0.0
-- vendor/modules.txt --
# example.com/dep v1.0.0
## explicit; go 1.24
example.com/dep
# example.com/indirect v1.0.0
## explicit; go 1.24
example.com/indirect
# example.com/unused v1.0.0
## explicit; go 1.24
example.com/unused
# github.com/musterrun/muster v1.0.0
## explicit; go 1.24
github.com/musterrun/muster
-- vendor/example.com/dep/dep.go --
package dep

import "example.com/indirect"

func Name() string { return indirect.Name() }
-- vendor/example.com/indirect/indirect.go --
package indirect

func Name() string { return "indirect" }
-- vendor/example.com/unused/unused.go --
package unused

func Name() string { return "unused" }
-- main.go --
package main

import "example.com/unused"

func other() string { return unused.Name() }
-- run.go --
package main

import "example.com/dep"

func run(n int) string { return dep.Name() }
` + program

func TestOutsideThatCallsInsideIsOpaque(t *testing.T) {
	t.Parallel()
	dir := newModule(t, strings.NewReplacer(
		"\nrequire (", "\nreplace example.com/indirect => ./inside\n\nrequire (",
		"# example.com/indirect v1.0.0\n", "# example.com/indirect v1.0.0 => ./inside\n",
		"example.com/unused\n# github", "example.com/unused\n# github",
	).Replace(vendored)+"-- inside/go.mod --\nmodule example.com/indirect\n\ngo 1.24\n-- vendor/github.com/musterrun/muster/muster.go --\n"+
		read(t, "testdata/muster", "muster.go"))
	text := read(t, dir, "vendor/modules.txt")
	write(t, dir, "vendor/modules.txt", text+"# example.com/indirect => ./inside\n")
	f := function(t, analyseDir(t, dir), "f")
	if f.opaque != "example.com/dep, which is outside of the module, calls code inside" {
		t.Errorf("got %+v", f)
	}
}

func TestTagsAndSettings(t *testing.T) {
	t.Parallel()
	archive := `-- run.go --
package main

func run(n int) string { return tagged() }
-- on.go --
//go:build extra

package main

func tagged() string { return "on" }
-- off.go --
//go:build !extra || race

package main

func tagged() string { return "off" }
` + program
	seen := map[string]string{}
	for name, c := range map[string]Config{
		"plain":     {},
		"tag":       {Tags: []string{"extra"}},
		"other tag": {Tags: []string{"unknown"}},
		"GOFLAGS":   {Env: []string{"GOFLAGS=-tags=extra"}},
		"system":    {Env: []string{"GOOS=plan9", "CGO_ENABLED=0"}},
		"level":     {Env: []string{"GOARCH=amd64", "GOAMD64=v3", "CGO_ENABLED=0"}},
		"cgo":       {Env: []string{"GOARCH=amd64", "CGO_ENABLED=0"}},
	} {
		c.Dir, c.FromSource = newModule(t, archive), false
		m, err := Analyse(t.Context(), c)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, asks := m.settings["-race"]; !asks {
			t.Errorf("%s: a file asks for race and the settings are %v", name, m.settings)
		}
		seen[name] = function(t, m, "f").Fingerprint
	}
	if seen["tag"] != seen["GOFLAGS"] {
		t.Error("a tag in GOFLAGS and one that is given differ")
	}
	delete(seen, "GOFLAGS")
	different := map[string]bool{}
	for _, f := range seen {
		different[f] = true
	}
	if len(different) != len(seen) {
		t.Errorf("some are equal: %v", seen)
	}
}

func TestOverlayInGoflagsIsOpaque(t *testing.T) {
	t.Parallel()
	dir := newModule(t, "-- run.go --\npackage main\n\nfunc run(n int) string { return \"\" }\n-- o.json --\n{}\n"+program)
	m, err := Analyse(t.Context(), Config{Dir: dir, Env: []string{"GOFLAGS=-overlay=" + filepath.Join(dir, "o.json")}})
	if err != nil {
		t.Fatal(err)
	}
	if f := function(t, m, "f"); f.Fingerprint != "" || !strings.Contains(f.opaque, "-overlay") {
		t.Errorf("got %+v", f)
	}
}
