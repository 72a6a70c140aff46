package vet

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// share fills the package's own fact: what its registered functions read, what is written while tasks run, and both of
// the packages that it imports.
func (c *code) share() {
	for _, t := range c.tasks {
		if t.local {
			continue
		}
		c.shared.Tasks = append(c.shared.Tasks, Task{t.name, c.where(t.call.Pos()), c.readsOf(t)})
	}
	for name, u := range c.written() {
		c.shared.Writes = append(c.shared.Writes, Access{name, u.where})
	}
	for _, imported := range c.imports() {
		c.shared.Tasks = append(c.shared.Tasks, imported.Tasks...)
		c.shared.Writes = append(c.shared.Writes, imported.Writes...)
	}
	slices.SortFunc(c.shared.Tasks, func(a, b Task) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Where, b.Where)) })
	c.shared.Tasks = slices.CompactFunc(c.shared.Tasks, func(a, b Task) bool { return a.Name == b.Name && a.Where == b.Where })
	slices.SortFunc(c.shared.Writes, func(a, b Access) int { return cmp.Or(strings.Compare(a.Var, b.Var), strings.Compare(a.Where, b.Where)) })
	c.shared.Writes = slices.Compact(c.shared.Writes)
}

// readsOf are the variables that a task reads and doesn't write. One that it writes too is its own business, such as a
// cache that is filled in each process.
func (c *code) readsOf(t *task) []Access {
	r := c.reach(t.root)
	for name := range r.writes {
		delete(r.reads, name)
	}
	return accesses(r.reads)
}

// written is what is written while tasks run: by what Main runs, by tasks, and by functions that start tasks or wait
// for them, which package initialisation can't.
//
// A program's main function isn't one of these: what it does before Main, each worker does too. Neither are tests,
// whose tasks run in their process.
func (c *code) written() map[string]use {
	all := map[string]use{}
	add := func(n *node) {
		for name, u := range c.reach(n).writes {
			note(all, name, u)
		}
	}
	for _, n := range c.mains {
		add(n)
	}
	for _, t := range c.tasks {
		if !c.inTest(t.call.Pos()) {
			add(t.root)
		}
	}
	if c.pass.Pkg.Name() == "main" && len(c.mains) == 0 {
		return all // without Main there is one process
	}
	for cur := range c.root.Preorder((*ast.FuncDecl)(nil)) {
		n := c.nodeOf(cur.Node())
		if n != nil && n.starts && !c.inTest(n.decl.Pos()) && !(c.pass.Pkg.Name() == "main" && n.fn.Name() == "main") {
			add(n)
		}
	}
	return all
}

// imports are the facts of the packages that this one imports, by path.
func (c *code) imports() map[string]*Package {
	out := map[string]*Package{}
	for _, pkg := range c.pass.Pkg.Imports() {
		var f Package
		if c.pass.ImportPackageFact(pkg, &f) {
			out[pkg.Path()] = &f
		}
	}
	return out
}

// importOf is where the package with that path is imported.
func (c *code) importOf(path string) token.Pos {
	for _, f := range c.pass.Files {
		for _, spec := range f.Imports {
			if pkg := c.info.PkgNameOf(spec); pkg != nil && pkg.Imported().Path() == path {
				return spec.Pos()
			}
		}
	}
	return c.pass.Files[0].Name.Pos()
}
