package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// origin is what a value depends on that may be another one in another process.
type origin struct {
	from   string // os.Getenv; "" for nothing
	params uint64 // the parameters of the function around, with bits as in Function.Mutates
}

func (o origin) or(p origin) origin {
	if o.from == "" {
		o.from = p.from
	}
	o.params |= p.params
	return o
}

// origins knows the origins of a package's variables, and of the results of its functions. It doesn't mind the order of
// statements: what is ever assigned to a variable counts.
type origins struct {
	c  *code
	of map[types.Object]origin
}

// flow is that the value of an object is made of others.
type flow struct {
	to   types.Object
	from []ast.Expr
}

// trace finds the origins.
func (o *origins) trace(c *code) {
	o.c = c
	var flows []flow
	add := func(to types.Object, from ...ast.Expr) {
		if to != nil && len(from) > 0 {
			flows = append(flows, flow{to, from})
		}
	}
	for cur := range c.root.Preorder((*ast.FuncDecl)(nil)) {
		o.declare(cur.Node().(*ast.FuncDecl), add)
	}
	for cur := range c.root.Preorder((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil), (*ast.RangeStmt)(nil), (*ast.CallExpr)(nil)) {
		lit := c.taskAround(cur)
		o.statement(cur.Node(), func(to types.Object, from ...ast.Expr) {
			if v, ok := to.(*types.Var); ok && lit != nil && !within(lit, v) {
				return // done when the task runs, not when it is registered
			}
			add(to, from...)
		})
	}
	for changed := true; changed; {
		changed = false
		for _, f := range flows {
			before := o.of[f.to]
			after := before
			for _, e := range f.from {
				after = after.or(o.expr(e))
			}
			if v, ok := f.to.(*types.Var); !ok || isGlobal(v) {
				after.params = 0 // they mean nothing outside of the function
			}
			if after != before {
				o.of[f.to] = after
				changed = true
			}
		}
	}
}

// taskAround is the registered literal that cur stands in, or nil.
func (c *code) taskAround(cur inspector.Cursor) *ast.FuncLit {
	for e := range cur.Enclosing((*ast.FuncLit)(nil)) {
		if lit, ok := e.Node().(*ast.FuncLit); ok && c.lits[lit] != nil {
			return lit
		}
	}
	return nil
}

// expr is the origin of an expression's value.
func (o *origins) expr(e ast.Expr) (sum origin) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			sum = sum.or(o.captured(n))
			return false
		case *ast.Ident:
			if v, ok := o.c.info.ObjectOf(n).(*types.Var); ok && !v.IsField() {
				sum = sum.or(o.variable(v))
			}
		case *ast.CallExpr:
			sum = sum.or(o.result(n))
		}
		return true
	})
	return sum
}

// captured is the origin of the local variables that a literal uses from around it.
func (o *origins) captured(lit *ast.FuncLit) (sum origin) {
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := o.c.info.Uses[id].(*types.Var); ok && !v.IsField() && !isGlobal(v) && !within(lit, v) {
				sum = sum.or(o.of[v])
			}
		}
		return true
	})
	return sum
}

func (o *origins) variable(v *types.Var) origin {
	if !isGlobal(v) || v.Pkg() == o.c.pass.Pkg {
		return o.of[v]
	}
	if o.c.own(v.Pkg()) {
		var f Variable
		o.c.pass.ImportObjectFact(v, &f)
		return origin{from: f.State}
	}
	return origin{from: sourceVariable(v)}
}

// result is the origin of a call's result beside those of its arguments.
func (o *origins) result(call *ast.CallExpr) origin {
	fn := typeutil.StaticCallee(o.c.info, call)
	switch {
	case fn == nil:
		return origin{}
	case fn.Pkg() == o.c.pass.Pkg:
		return o.of[fn.Origin()]
	case o.c.own(fn.Pkg()):
		var f Function
		o.c.pass.ImportObjectFact(fn.Origin(), &f)
		return origin{from: f.State}
	}
	return origin{from: source(fn)}
}
