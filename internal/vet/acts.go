package vet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// actOf says whether a call is something that a task had better not do, its contexts aside.
func (c *code) actOf(cur inspector.Cursor, call *ast.CallExpr) (act, bool) {
	fn := typeutil.StaticCallee(c.info, call)
	if fn == nil {
		return act{}, false
	}
	a := act{Act{What: qualified(fn), Where: c.where(call.Pos())}, call.Pos()}
	if a.What == "os/exec.CommandContext" {
		a.Kind = Exec
		if n, ok := c.innermost(cur); ok && len(call.Args) > 0 {
			if ctx := c.foreign(n, call.Args[0]); ctx != "" {
				a.What += " with " + ctx
				return a, true
			}
		}
		return act{}, false
	}
	kind, ok := kindOf(fn)
	a.Kind = kind
	switch {
	case !ok:
	case kind == Exec:
		ok = !c.endsProcesses(cur)
	default:
		ok = !c.idle(cur, map[*types.Var]bool{})
	}
	return a, ok
}

// endsProcesses reports whether the function around cur looks after its processes itself: it uses a Cmd's Process.
func (c *code) endsProcesses(cur inspector.Cursor) bool {
	for decl := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.GenDecl)(nil)) {
		for s := range decl.Preorder((*ast.SelectorExpr)(nil)) {
			sel := s.Node().(*ast.SelectorExpr)
			if v, ok := c.info.Uses[sel.Sel].(*types.Var); ok && v.IsField() && v.Name() == "Process" && v.Pkg().Path() == "os/exec" {
				return true
			}
		}
	}
	return false
}

// idle reports whether a value can't change a function's result: it stands in a call that logs it or waits, is kept in a
// variable that does nothing else, or decides no more than whether something is logged.
func (c *code) idle(cur inspector.Cursor, seen map[*types.Var]bool) bool {
	for ; cur.Node() != nil; cur = cur.Parent() {
		switch n := cur.Node().(type) {
		case *ast.CallExpr:
			if c.logs(n) {
				return true
			}
		case *ast.AssignStmt:
			if len(n.Lhs) != 1 {
				return false
			}
			v := variable(c.info, n.Lhs[0])
			return v != nil && !isGlobal(v) && c.onlyIdle(cur, v, seen)
		case *ast.IfStmt: // from its condition: what stands in its other parts stands in a statement there
			return c.onlyLogging(n)
		case *ast.FuncLit, ast.Stmt:
			return false
		}
	}
	return false
}

// onlyLogging reports whether an if does nothing but log.
func (c *code) onlyLogging(n *ast.IfStmt) bool {
	for _, s := range n.Body.List {
		e, ok := s.(*ast.ExprStmt)
		if !ok {
			return false
		}
		if call, ok := ast.Unparen(e.X).(*ast.CallExpr); !ok || !c.logs(call) {
			return false
		}
	}
	return n.Else == nil
}

// onlyIdle reports whether all uses of a local variable are idle.
func (c *code) onlyIdle(at inspector.Cursor, v *types.Var, seen map[*types.Var]bool) bool {
	if seen[v] {
		return true
	}
	seen[v] = true
	for decl := range at.Enclosing((*ast.FuncDecl)(nil), (*ast.GenDecl)(nil)) {
		for use := range decl.Preorder((*ast.Ident)(nil)) {
			if c.info.Uses[use.Node().(*ast.Ident)] != v || use.ParentEdgeKind() == edge.AssignStmt_Lhs {
				continue
			}
			if !c.idle(use, seen) {
				return false
			}
		}
	}
	return true
}

// logs reports whether what a call gets only leaves the program as a message, or sets a limit in time.
func (c *code) logs(call *ast.CallExpr) bool {
	fn := typeutil.StaticCallee(c.info, call)
	if fn == nil || c.own(fn.Pkg()) || !onlyLogs(fn) {
		return false
	}
	if !strings.HasPrefix(qualified(fn), "fmt.Fprint") {
		return true
	}
	to := variable(c.info, call.Args[0])
	return to != nil && isGlobal(to) && to.Pkg().Path() == "os"
}
