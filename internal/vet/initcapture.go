package vet

import (
	"go/ast"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

var initcapture = check("initcapture", `find registered functions that capture what another process may have otherwise

	func init() {
		mode := os.Getenv("MODE")
		Parse = muster.Func("parse", func(ctx context.Context, s string) (Doc, error) { return parse(s, mode) }) // bad
	}

A worker runs init on its own machine, and a program that is started again runs it again: what init reads from the
environment, the arguments, flags, files, the host, the clock or a random source may be another value there. Pass it in
the argument, or read it inside the function.`, checkCaptures)

var condreg = check("condreg", `find functions whose registration depends on what another process may have otherwise

	func init() {
		if os.Getenv("GPU") != "" { // bad: a worker without GPU doesn't know the function
			Train = muster.Func("train", train)
		}
	}

Register always, and decide when you call.`, checkConditions)

func checkCaptures(pass *analysis.Pass, c *code) {
	c.eachRegistration(func(call *ast.CallExpr, _ inspector.Cursor) {
		if r, ok := registrars[apiOf(c.info, call)]; ok {
			if from := c.origins.expr(call.Args[r.fn]).from; from != "" {
				pass.Reportf(call.Args[r.fn].Pos(), "Func %s captures what comes from %s, which may differ in another process: "+
					"pass it in the argument, or read it inside the function", nameOf(c.info, argument(call, r.name)), from)
			}
			return
		}
		for _, arg := range c.decisive(call) {
			if from := c.origins.expr(arg).from; from != "" {
				pass.Reportf(arg.Pos(), "what comes from %s decides what this call registers, and may differ in another process: "+
					"pass it in the argument of the function, or read it inside", from)
			}
		}
	})
}

func checkConditions(pass *analysis.Pass, c *code) {
	c.eachRegistration(func(call *ast.CallExpr, cur inspector.Cursor) {
		r, direct := registrars[apiOf(c.info, call)]
		if from := c.condition(cur).from; from != "" {
			pass.Reportf(call.Pos(), "whether this registers a function depends on %s, which may differ in another process, "+
				"and one that lacks the function fails its tasks: register it always", from)
			return
		}
		if direct {
			if from := c.origins.expr(call.Args[r.name]).from; from != "" {
				pass.Reportf(call.Args[r.name].Pos(), "the function's name comes from %s, which may differ in another process, "+
					"and one that lacks the name fails its tasks: use a constant", from)
			}
		}
	})
}

// eachRegistration tells of each call that registers functions by name.
func (c *code) eachRegistration(tell func(*ast.CallExpr, inspector.Cursor)) {
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		if call := cur.Node().(*ast.CallExpr); c.registersAt(call) {
			tell(call, cur)
		}
	}
}
