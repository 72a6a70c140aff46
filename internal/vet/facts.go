package vet

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
)

// Facts reads a package for the checks. Its facts are made for packages of the main module only: what a user's program
// does is in the user's code, and the standard library alone has so many variables that everything would reach them.
var Facts = &analysis.Analyzer{
	Name:       "musterfacts",
	Doc:        "collect what functions do, for the other checks of muster vet\n\nIt reports nothing.",
	Run:        func(pass *analysis.Pass) (any, error) { return read(pass), nil },
	Requires:   []*analysis.Analyzer{inspect.Analyzer},
	ResultType: reflect.TypeFor[*code](),
	FactTypes:  []analysis.Fact{(*Function)(nil), (*Variable)(nil), (*Package)(nil)},
}

// Function is the fact about a function: what it and all that it reaches by static calls do.
type Function struct {
	Reads, Writes []Access // of package variables
	Acts          []Act    // the first of each kind
	Mutates       uint64   // through which of its parameters it writes: bit 0 is the receiver, bit 1 the first parameter
	Registers     bool     // it calls Func or another registrar
	Decides       uint64   // the parameters that decide what it registers, with bits as in Mutates
	State         string   // where its result comes from if that is the process's own state: os.Getenv
}

// Variable is the fact about a package variable.
type Variable struct {
	State string // as a Function's
	Flag  bool   // a flag of the command line is kept in it
	Acts  []Act  // what the task does that the variable holds as a Function of muster's
}

// Package is the fact about a package: what it and those that it imports do with variables, in different processes.
type Package struct {
	Tasks  []Task   // what registered functions read
	Writes []Access // what is written while tasks run
}

// Task is a function that is registered by name.
type Task struct {
	Name  string // quoted
	Where string
	Reads []Access // without those that it writes too
}

// Access is that a variable is read or written somewhere.
type Access struct {
	Var   string // example.com/app/config.Limit
	Where string // example.com/app/config/config.go:12
}

// Kind is what an Act is about.
type Kind uint8

// The clock or a random source is asked; a process is started that outlives its task; a context is used that isn't the
// task's; the environment or the command line is read.
const (
	Clock Kind = iota
	Random
	Exec
	Context
	Environ
	kinds
)

// Act is something that a task had better not do.
type Act struct {
	Kind  Kind
	What  string // time.Now
	Where string
}

// AFact marks the facts.
func (*Function) AFact() {}

// AFact marks the facts.
func (*Variable) AFact() {}

// AFact marks the facts.
func (*Package) AFact() {}

func (f *Function) String() string {
	var parts []string
	for _, r := range f.Reads {
		parts = append(parts, "reads "+r.Var)
	}
	for _, w := range f.Writes {
		parts = append(parts, "writes "+w.Var)
	}
	for _, a := range f.Acts {
		parts = append(parts, "reaches "+a.What)
	}
	if f.Mutates != 0 {
		parts = append(parts, fmt.Sprintf("mutates %b", f.Mutates))
	}
	if f.Registers {
		parts = append(parts, fmt.Sprintf("registers by %b", f.Decides))
	}
	if f.State != "" {
		parts = append(parts, "state of "+f.State)
	}
	return strings.Join(parts, ", ")
}

func (v *Variable) String() string {
	var parts []string
	if v.State != "" {
		parts = append(parts, "state of "+v.State)
	}
	if v.Flag {
		parts = append(parts, "a flag")
	}
	for _, a := range v.Acts {
		parts = append(parts, "reaches "+a.What)
	}
	return strings.Join(parts, ", ")
}

func (p *Package) String() string {
	return fmt.Sprintf("%d tasks, %d writes", len(p.Tasks), len(p.Writes))
}

// inMainModule reports whether the pass's package belongs to the module, or the workspace, that is worked on. Only
// dependencies have a version; without modules a dot tells a path from the standard library's.
func inMainModule(pass *analysis.Pass) bool {
	if m := pass.Module; m != nil && m.Path != "" {
		return m.Version == ""
	}
	first, _, _ := strings.Cut(pass.Pkg.Path(), "/")
	return strings.Contains(first, ".")
}

// export publishes what other packages need to know.
func (c *code) export() {
	for fn, n := range c.nodes {
		if !fn.Exported() && fn.Signature().Recv() == nil {
			continue // no other package can call it
		}
		if fact := c.factOf(n); !reflect.DeepEqual(fact, &Function{}) {
			c.pass.ExportObjectFact(fn, fact)
		}
	}
	for _, name := range c.pass.Pkg.Scope().Names() {
		v, ok := c.pass.Pkg.Scope().Lookup(name).(*types.Var)
		if !ok || !v.Exported() {
			continue
		}
		fact := &Variable{State: c.origins.of[v].from, Flag: c.flags[v]}
		if t := c.holds[v]; t != nil {
			fact.Acts = c.reach(t.root).facts()
		}
		if fact.State != "" || fact.Flag || len(fact.Acts) > 0 {
			c.pass.ExportObjectFact(v, fact)
		}
	}
	c.pass.ExportPackageFact(&c.shared)
}
