package source

import (
	"fmt"
	"go/token"

	"github.com/musterrun/muster/fingerprint"
)

// Config says what to analyse.
type Config struct {
	Dir      string   // where the go command runs; defaults to the current folder
	Patterns []string // packages, as for go build, beside those of the main modules, which are always analysed
	Tags     []string // build tags; defaults to those in GOFLAGS
	Env      []string // added to the process's environment for the go command

	// Alone says that Patterns are the packages of one program, or of several, and that no generated file is kept for
	// others. Then nothing else is analysed.
	Alone bool

	// FromSource type-checks the packages of other modules from their sources even if the build cache has them. It is
	// slower when the cache is warm; the result is the same.
	FromSource bool

	forSSA bool // a test compares the outcome with package ssa, which needs to know more
}

// Module is the outcome of an analysis.
type Module struct {
	Functions []Function // by package and name
	Warnings  []Warning  // by position
	packages  []reachedPackage
	stray     []string // generated files that nothing needs any more
	settings  map[string]string
}

// Function is a registered function.
type Function struct {
	Name        string
	Package     string // the import path of the package that registers it
	Position    token.Position
	Fingerprint string             // 64 hexadecimal digits; empty if a warning says why there is none
	Units       []fingerprint.Unit // what it depends on, nearest first, then by key
	Packages    []string           // the inside packages that it reaches, sorted
	// Open says that code which the function doesn't reach could change what it does, by setting one of its variables or
	// by telling something to a package outside that it calls. Guards are the other inside packages of its programs,
	// where such code could be added.
	Open    bool
	Guards  []string
	Modules []fingerprint.Version
	opaque  string // why there is no fingerprint
}

// Warning is code that the analysis can't see through. The functions that reach it have no fingerprint.
type Warning struct {
	Position  token.Position
	Text      string   // one line: what it is
	Functions []string // those concerned; none if the registration itself is the trouble
}

// String is one line: where, what, and what follows.
func (w Warning) String() string {
	s := fmt.Sprintf("%s: %s: the executable's build id serves", w.Position, w.Text)
	switch n := len(w.Functions); {
	case n == 1:
		s += " for " + w.Functions[0]
	case n > 1:
		s += fmt.Sprintf(" for %s and %d more", w.Functions[0], n-1)
	}
	return s
}

// reachedPackage is an inside package that gets a generated file.
type reachedPackage struct {
	path, name, dir string
	patterns        []string // to embed
	sum             string
	lacksMuster     string // its module's folder, if that module doesn't require muster
}
