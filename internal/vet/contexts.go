package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// foreign says which context an expression in a task is made of if that isn't the task's own: "context.Background()",
// or a variable from outside of the task's function. It is "" if the context is the task's, or if that can't be seen.
func (c *code) foreign(n *node, e ast.Expr) string {
	what, _ := c.contextOf(n, e, map[*types.Var]bool{})
	return what
}

// contextOf is foreign; known is false for a context of which nothing can be said.
func (c *code) contextOf(n *node, e ast.Expr, seen map[*types.Var]bool) (what string, known bool) {
	switch x := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		return c.contextOfCall(n, x, seen)
	case *ast.Ident, *ast.SelectorExpr:
		v := variable(c.info, x)
		switch {
		case v == nil || !isContext(v.Type()) || seen[v]:
			return "", false
		case isGlobal(v):
			return "the package variable " + v.Name(), true
		case !within(n.decl, v):
			return v.Name() + ", a context from outside of the task's function", true
		}
		seen[v] = true
		return c.contextOfVariable(n, v, seen)
	}
	return "", false
}

func within(decl ast.Node, v *types.Var) bool {
	return decl != nil && decl.Pos() <= v.Pos() && v.Pos() < decl.End()
}

// contextOfCall follows the contexts that a call makes another one of.
func (c *code) contextOfCall(n *node, call *ast.CallExpr, seen map[*types.Var]bool) (what string, known bool) {
	fn := typeutil.StaticCallee(c.info, call)
	if fn == nil {
		return "", false
	}
	switch name := qualified(fn); {
	case name == "context.Background" || name == "context.TODO":
		return name + "()", true
	case apiName(fn) == "Open":
		return "", false // a session of the task's own
	}
	for _, arg := range call.Args {
		if !isContext(c.info.TypeOf(arg)) {
			continue
		}
		w, ok := c.contextOf(n, arg, seen)
		if w == "" {
			return "", ok
		}
		what, known = w, true
	}
	return what, known
}

// contextOfVariable is foreign only if all that the variable is set to is.
func (c *code) contextOfVariable(n *node, v *types.Var, seen map[*types.Var]bool) (what string, known bool) {
	all := true
	ast.Inspect(n.decl, func(m ast.Node) bool {
		s, ok := m.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, lhs := range s.Lhs {
			if variable(c.info, lhs) != v {
				continue
			}
			rhs := s.Rhs[0]
			if len(s.Rhs) == len(s.Lhs) {
				rhs = s.Rhs[i]
			}
			w, _ := c.contextOf(n, rhs, seen)
			all = all && w != ""
			what = w
		}
		return true
	})
	if !all || what == "" {
		return "", false
	}
	return what, true
}
