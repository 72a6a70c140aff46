package vet

import (
	"go/ast"
	"go/token"
	"go/types"
)

// declare enters a function's parameters, and the flow into its result.
func (o *origins) declare(decl *ast.FuncDecl, add func(types.Object, ...ast.Expr)) {
	fn, ok := o.c.info.Defs[decl.Name].(*types.Func)
	if !ok || decl.Body == nil {
		return
	}
	sig := fn.Signature()
	if sig.Recv() != nil {
		o.of[sig.Recv()] = origin{params: 1}
	}
	for i := range min(sig.Params().Len(), 62) {
		o.of[sig.Params().At(i)] = origin{params: 2 << i}
	}
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			add(fn, ret.Results...)
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
	if decl.Type.Results != nil {
		for _, field := range decl.Type.Results.List {
			for _, name := range field.Names {
				add(fn, name)
			}
		}
	}
}

// statement enters the flows of an assignment, a declaration, a loop or a call that fills its arguments.
func (o *origins) statement(n ast.Node, add func(types.Object, ...ast.Expr)) {
	switch s := n.(type) {
	case *ast.AssignStmt:
		for i, lhs := range s.Lhs {
			if len(s.Rhs) == len(s.Lhs) {
				add(o.base(lhs), s.Rhs[i])
			} else {
				add(o.base(lhs), s.Rhs...)
			}
		}
	case *ast.ValueSpec:
		for i, name := range s.Names {
			if len(s.Values) == len(s.Names) {
				add(o.base(name), s.Values[i])
			} else {
				add(o.base(name), s.Values...)
			}
		}
	case *ast.RangeStmt:
		add(o.base(s.Key), s.X)
		add(o.base(s.Value), s.X)
	case *ast.CallExpr:
		for _, arg := range s.Args {
			if u, ok := ast.Unparen(arg).(*ast.UnaryExpr); ok && u.Op == token.AND {
				add(o.base(u.X), s)
			}
		}
	}
}

// base is the variable that an expression is a part of, or nil.
func (o *origins) base(e ast.Expr) types.Object {
	for e != nil {
		if v := variable(o.c.info, e); v != nil {
			return v
		}
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
	return nil
}
