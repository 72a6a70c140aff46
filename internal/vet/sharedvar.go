package vet

import (
	"fmt"
	"go/token"
	"slices"

	"golang.org/x/tools/go/analysis"
)

var sharedvar = check("sharedvar", `find package variables that are written while tasks run and read by a Func

	var limit int
	var Trim = muster.Func("trim", func(ctx context.Context, s string) (string, error) { return s[:limit], nil })

	func run(ctx context.Context) error {
		limit = 10 // bad: in another process, limit is still 0
		...
	}

Pass the value in the argument, or set the variable in init. A variable that the Func sets itself, such as a cache, is
no mistake, and neither is one that main sets before Main: each process does that.`, checkShared)

// checkShared reports each pair of a reader and a writer that this package is the first to know.
func checkShared(pass *analysis.Pass, c *code) {
	mine := c.written()
	reported := map[string]bool{}
	for _, t := range c.shared.Tasks {
		for _, r := range t.Reads {
			for _, w := range c.shared.Writes {
				if w.Var != r.Var || reported[t.Name+w.Var+w.Where] || c.knownBefore(t, w) {
					continue
				}
				reported[t.Name+w.Var+w.Where] = true
				pass.Report(analysis.Diagnostic{Pos: c.placeOf(t, w, mine), Message: fmt.Sprintf(
					"%s is written while tasks run (%s) and read by Func %s (%s): in another process it has its initial value; "+
						"pass it in the argument, or set it in init or before Main", short(w.Var), c.near(w.Where), t.Name, c.near(r.Where))})
			}
		}
	}
}

// knownBefore reports whether an imported package knows the pair, and so has reported it.
func (c *code) knownBefore(t Task, w Access) bool {
	for _, p := range c.imports() {
		if slices.Contains(p.Writes, w) && slices.ContainsFunc(p.Tasks, func(o Task) bool { return o.Name == t.Name && o.Where == t.Where }) {
			return true
		}
	}
	return false
}

// placeOf is where to report a pair: at the write if this package has it, at the registration if it has that, else where
// the package is imported that the write comes from.
func (c *code) placeOf(t Task, w Access, mine map[string]use) token.Pos {
	if u, ok := mine[w.Var]; ok && u.where == w.Where {
		return u.pos
	}
	for _, own := range c.tasks {
		if own.name == t.Name && c.where(own.call.Pos()) == t.Where {
			return own.call.Pos()
		}
	}
	for path, p := range c.imports() {
		if slices.Contains(p.Writes, w) {
			return c.importOf(path)
		}
	}
	return c.pass.Files[0].Name.Pos()
}
