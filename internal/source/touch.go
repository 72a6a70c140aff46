package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// touched notes what happens to a variable where it is named.
func (v *walker) touched(id *ast.Ident, o *types.Var) {
	t := v.follow(id)
	t.of = o
	if o == v.recv {
		v.u.self = append(v.u.self, t)
		return
	}
	if v.w.insideOf(o) == nil {
		if t.how >= counts {
			v.u.tells[o.Pkg().Path()] = true
		}
		return
	}
	if t.how == reads && t.method == nil {
		return
	}
	v.u.touches = append(v.u.touches, t)
}

// follow climbs from a variable's name through its fields, elements and what it points to, up to what uses them.
func (v *walker) follow(id ast.Expr) touch {
	child := id
	for i := len(v.stack) - 1; i >= 0; i-- {
		parent, ok := v.stack[i].(ast.Expr)
		if !ok {
			return v.byStatement(v.stack[i], child)
		}
		switch x := parent.(type) {
		case *ast.SelectorExpr:
			if s := v.p.info.Selections[x]; s != nil && s.Kind() != types.FieldVal {
				return v.byMethod(s.Obj().(*types.Func), s.Recv())
			}
		case *ast.IndexExpr:
			if ast.Unparen(x.X) != child {
				return touch{}
			}
		case *ast.SliceExpr:
			if ast.Unparen(x.X) != child {
				return touch{}
			}
		case *ast.StarExpr, *ast.TypeAssertExpr:
		case *ast.UnaryExpr:
			return touch{how: v.byOperator(x, child, i)}
		case *ast.CallExpr:
			if !v.p.info.Types[x.Fun].IsType() {
				return touch{how: v.byCall(x, child)}
			}
		case *ast.KeyValueExpr, *ast.CompositeLit:
			return touch{how: v.lent(child)}
		default: // a comparison, an operand
			return touch{}
		}
		child = parent
	}
	return touch{}
}

// lent is for a value that is copied to where it isn't followed: harmless unless the copy leads to the same.
func (v *walker) lent(e ast.Expr) how {
	if t := v.p.info.TypeOf(e); t != nil && leadsOn(t, nil) {
		return lends
	}
	return reads
}

func (v *walker) byOperator(x *ast.UnaryExpr, child ast.Expr, at int) how {
	switch x.Op {
	case token.ARROW:
		return lends
	case token.AND:
	default:
		return reads
	}
	if isConstant(v.p.info.TypeOf(child)) {
		return reads
	}
	if at > 0 {
		if call, ok := v.stack[at-1].(*ast.CallExpr); ok {
			if f, ok := callee(v.p.info, call).(*types.Func); ok && f.Pkg() != nil && f.Pkg().Path() == "sync/atomic" {
				return atomically(f.Name())
			}
		}
	}
	return alters
}

// atomically is what a function or method of sync/atomic does.
func atomically(name string) how {
	switch {
	case strings.HasPrefix(name, "Load"):
		return reads
	case strings.HasPrefix(name, "Add"), strings.HasPrefix(name, "And"), strings.HasPrefix(name, "Or"):
		return counts
	}
	return alters
}

func (v *walker) byCall(call *ast.CallExpr, child ast.Expr) how {
	if ast.Unparen(call.Fun) == child {
		return reads // a function that is kept in it is called
	}
	if b, ok := callee(v.p.info, call).(*types.Builtin); ok {
		first := len(call.Args) > 0 && ast.Unparen(call.Args[0]) == child
		switch b.Name() {
		case "len", "cap", "min", "max", "print", "println":
			return reads
		case "delete", "clear", "copy":
			if first {
				return alters
			}
			return reads
		}
	}
	return v.lent(child)
}

func (v *walker) byStatement(n ast.Node, child ast.Expr) touch {
	switch x := n.(type) {
	case *ast.AssignStmt:
		for _, l := range x.Lhs {
			if ast.Unparen(l) == child {
				return touch{how: v.assigned(x.Tok, child)}
			}
		}
		return touch{how: v.lent(child)}
	case *ast.IncDecStmt:
		return touch{how: counts}
	case *ast.RangeStmt:
		if x.Key != nil && ast.Unparen(x.Key) == child || x.Value != nil && ast.Unparen(x.Value) == child {
			return touch{how: v.assigned(x.Tok, child)}
		}
		if x.Value != nil && v.p.info.TypeOf(x.Value) != nil {
			return touch{how: v.lent(x.Value)}
		}
	case *ast.ReturnStmt, *ast.ValueSpec, *ast.SendStmt:
		return touch{how: v.lent(child)}
	}
	return touch{}
}

// assigned is for the left side. A receiver that is itself overwritten changes nobody else's.
func (v *walker) assigned(tok token.Token, child ast.Expr) how {
	if id, ok := child.(*ast.Ident); ok && v.recv != nil && v.p.info.Uses[id] == v.recv {
		return reads
	}
	if tok == token.ASSIGN {
		return alters
	}
	return counts
}

func (v *walker) byMethod(f *types.Func, through types.Type) touch {
	f = f.Origin()
	recv := f.Signature().Recv().Type()
	switch {
	case isConstant(recv):
		return touch{}
	case types.IsInterface(recv):
		if leadsOn(through, nil) {
			return touch{how: lends}
		}
		return touch{}
	case !leadsOn(recv, nil):
		return touch{} // it gets a copy
	case v.w.insideOf(f) != nil:
		return touch{how: reads, method: f}
	case f.Pkg().Path() == "sync/atomic":
		return touch{how: atomically(f.Name())}
	case changesByName(f.Name()):
		return touch{how: alters}
	}
	return touch{how: lends}
}
