package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

var cachedimpure = check("cachedimpure", `find cached functions whose result depends on the time, on chance or on the environment

	var Price = muster.Func("price", price, muster.Cached(policy)) // bad if price asks time.Now, math/rand or os.Getenv

A cached result is given again for the same argument. Pass the time, the seed of a generator of the function's own, what
comes from the environment, or the value of a flag in the argument. What is only logged or limits a wait is no mistake.`, checkCached)

func checkCached(pass *analysis.Pass, c *code) {
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		acts, name, options := c.optioned(call)
		if len(acts) == 0 {
			continue
		}
		for _, opt := range options {
			if !c.isCached(opt) {
				continue
			}
			for _, a := range acts {
				pass.Reportf(opt.Pos(), "%s is Cached and reaches %s (%s), so its result isn't the argument's alone: "+
					"pass %s in the argument, or don't cache it", name, a.What, c.near(a.Where), passInstead[a.Kind])
			}
		}
	}
}

// passInstead is what a cached function's argument had better hold. The kinds in it are those that change a result.
var passInstead = map[Kind]string{Clock: "the time", Random: "the seed", Environ: "the value"}

// optioned is a call that gives options to a function: what the function reaches that changes its result, its name, and
// the options.
func (c *code) optioned(call *ast.CallExpr) (acts []Act, name string, options []ast.Expr) {
	api := apiOf(c.info, call)
	if t := c.byCall[call]; t != nil {
		return impure(c.reach(t.root).facts()), t.String(), call.Args[registrars[api].fn+1:]
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if api != "Function.With" || !ok {
		return nil, "", nil
	}
	if t := c.madeBy(sel.X); t != nil {
		return impure(c.reach(t.root).facts()), t.String(), call.Args
	}
	if v := variable(c.info, sel.X); isGlobal(v) && c.own(v.Pkg()) {
		var f Variable
		c.pass.ImportObjectFact(v, &f)
		acts = f.Acts
	}
	return impure(acts), types.ExprString(sel.X), call.Args
}

// impure keeps the acts that change a result.
func impure(acts []Act) (out []Act) {
	for _, a := range acts {
		if passInstead[a.Kind] != "" {
			out = append(out, a)
		}
	}
	return out
}

// isCached reports whether an expression is the option Cached, options with it among them, or a variable set to that.
func (c *code) isCached(e ast.Expr) bool {
	cached := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			cached = cached || apiOf(c.info, n) == "Cached"
		case *ast.Ident:
			if v, ok := c.info.Uses[n].(*types.Var); ok && !v.IsField() && holdsOptions(v.Type()) {
				c.eachBinding(func(to *types.Var, from ast.Expr) {
					cached = cached || to == v && c.mentionsCached(from)
				})
			}
		}
		return !cached
	})
	return cached
}

func (c *code) mentionsCached(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			found = found || apiOf(c.info, call) == "Cached"
		}
		return !found
	})
	return found
}

func holdsOptions(t types.Type) bool {
	if s, ok := t.Underlying().(*types.Slice); ok {
		t = s.Elem()
	}
	return isAPIType(t, "Option")
}
