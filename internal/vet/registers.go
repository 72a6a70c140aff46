package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// registers is whether a function registers functions, and which of its parameters decide which and how.
type registers struct {
	does bool
	by   uint64
}

// registrations finds the functions that register, whatever calls lie between.
func (c *code) registrations() {
	for changed := true; changed; {
		changed = false
		for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
			call := cur.Node().(*ast.CallExpr)
			if !c.registersAt(call) {
				continue
			}
			decides := c.condition(cur)
			for _, arg := range c.decisive(call) {
				decides = decides.or(c.origins.expr(arg))
			}
			for decl := range cur.Enclosing((*ast.FuncDecl)(nil)) {
				fn, _ := c.info.Defs[decl.Node().(*ast.FuncDecl).Name].(*types.Func)
				was := c.regs[fn]
				is := registers{true, was.by | decides.params}
				c.regs[fn] = is
				changed = changed || is != was
			}
		}
	}
}

// registersAt reports whether a call registers a function by name, itself or in what it calls.
func (c *code) registersAt(call *ast.CallExpr) bool {
	if api := apiOf(c.info, call); api != "" {
		r, ok := registrars[api]
		return ok && r.name >= 0
	}
	return c.registersBy(call).does
}

func (c *code) registersBy(call *ast.CallExpr) registers {
	fn := typeutil.StaticCallee(c.info, call)
	if fn == nil {
		return registers{}
	}
	fn = fn.Origin()
	if fn.Pkg() == c.pass.Pkg || !c.own(fn.Pkg()) {
		return c.regs[fn]
	}
	var f Function
	c.pass.ImportObjectFact(fn, &f)
	return registers{f.Registers, f.Decides}
}

// decisive are the arguments of a registering call that must be the same in each process: name and function, or those
// that decide what the called function registers.
func (c *code) decisive(call *ast.CallExpr) []ast.Expr {
	if r, ok := registrars[apiOf(c.info, call)]; ok {
		return slices.DeleteFunc([]ast.Expr{argument(call, r.name), argument(call, r.fn)}, func(e ast.Expr) bool { return e == nil })
	}
	var out []ast.Expr
	by := c.registersBy(call).by
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && by&1 != 0 {
		out = append(out, sel.X)
	}
	for i, arg := range call.Args {
		if by&(2<<min(i, 62)) != 0 {
			out = append(out, arg)
		}
	}
	return out
}

// condition is the origin of what decides whether the statement at cur runs: the conditions around it, and those of
// earlier statements that may leave.
func (c *code) condition(cur inspector.Cursor) (sum origin) {
	for ; cur.Node() != nil; cur = cur.Parent() {
		kind, i := cur.ParentEdge()
		var list []ast.Stmt
		switch p := cur.Parent().Node().(type) {
		case *ast.IfStmt:
			if kind != edge.IfStmt_Init && kind != edge.IfStmt_Cond {
				sum = sum.or(c.origins.expr(p.Cond))
			}
		case *ast.ForStmt:
			if kind == edge.ForStmt_Body && p.Cond != nil {
				sum = sum.or(c.origins.expr(p.Cond))
			}
		case *ast.RangeStmt:
			if kind == edge.RangeStmt_Body {
				sum = sum.or(c.origins.expr(p.X))
			}
		case *ast.BinaryExpr:
			if kind == edge.BinaryExpr_Y && (p.Op == token.LAND || p.Op == token.LOR) {
				sum = sum.or(c.origins.expr(p.X))
			}
		case *ast.SwitchStmt:
			sum = sum.or(c.choice(p))
		case *ast.BlockStmt:
			list = p.List
		case *ast.CaseClause:
			list = p.Body
		}
		if kind != edge.BlockStmt_List && kind != edge.CaseClause_Body {
			continue
		}
		for _, before := range list[:i] {
			sum = sum.or(c.leaving(before))
		}
	}
	return sum
}

// choice is the origin of what a switch decides by.
func (c *code) choice(s *ast.SwitchStmt) (sum origin) {
	if s.Tag != nil {
		sum = c.origins.expr(s.Tag)
	}
	for _, clause := range s.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			sum = sum.or(c.origins.expr(e))
		}
	}
	return sum
}

// leaving is the origin of the conditions under which a statement leaves those after it out. One that ends the process
// doesn't: then there is none that lacks the registration.
func (c *code) leaving(s ast.Stmt) (sum origin) {
	cond, ok := s.(*ast.IfStmt)
	if !ok {
		return origin{}
	}
	leaves := false
	ast.Inspect(cond, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt, *ast.BranchStmt:
			leaves = true
		}
		return !leaves
	})
	if !leaves {
		return origin{}
	}
	sum = c.origins.expr(cond.Cond)
	if then, ok := cond.Else.(*ast.IfStmt); ok {
		sum = sum.or(c.leaving(then))
	}
	return sum
}
