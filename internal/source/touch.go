package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// touched notes what happens to a variable where it, or a local that leads to the same, is named.
func (v *walker) touched(e ast.Expr, r root) {
	t := v.follow(e, len(v.stack)-1)
	t.of, t.through = r.v, r.f
	switch {
	case r.v != nil && v.owned[r.v]:
		v.u.self = append(v.u.self, t)
	case r.v != nil && v.w.insideOf(r.v) == nil:
		if t.how == alters {
			v.u.tells[r.v.Pkg().Path()] = true
		}
	case t.how != reads || t.method != nil:
		v.u.touches = append(v.u.touches, t)
	}
}

// follow climbs from an expression, whose parents end at v.stack[i], through its fields, elements and what it points to,
// up to what uses them.
func (v *walker) follow(child ast.Expr, i int) touch {
	for ; i >= 0; i-- {
		parent, ok := v.stack[i].(ast.Expr)
		if !ok {
			return v.byStatement(v.stack[i], child)
		}
		switch x := parent.(type) {
		case *ast.SelectorExpr:
			if s := v.p.info.Selections[x]; s != nil && s.Kind() != types.FieldVal {
				return v.byMethod(x, s, i)
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
			return touch{how: v.byOperator(x, child, i), returned: x.Op == token.AND && v.inReturn(i)}
		case *ast.CallExpr:
			if !v.p.info.Types[x.Fun].IsType() {
				return v.byCall(x, child)
			}
		case *ast.KeyValueExpr, *ast.CompositeLit:
			return touch{how: v.lent(child), returned: v.inReturn(i)}
		default: // a comparison, an operand
			return touch{}
		}
		child = parent
	}
	return touch{}
}

// inReturn reports whether what stands at v.stack[i] is part of what its function returns.
func (v *walker) inReturn(i int) bool {
	for ; i >= 0; i-- {
		switch v.stack[i].(type) {
		case *ast.ReturnStmt:
			return true
		case *ast.FuncLit, *ast.CallExpr:
			return false
		}
	}
	return false
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
	}
	return alters
}

func (v *walker) byCall(call *ast.CallExpr, child ast.Expr) touch {
	if ast.Unparen(call.Fun) == child {
		return touch{} // a function that is kept in it is called
	}
	arg := slices.IndexFunc(call.Args, func(a ast.Expr) bool { return ast.Unparen(a) == child })
	switch f := callee(v.p.info, call).(type) {
	case *types.Builtin:
		switch f.Name() {
		case "len", "cap", "min", "max", "print", "println":
			return touch{}
		case "delete", "clear", "copy":
			if arg == 0 {
				return touch{how: alters}
			}
			return touch{}
		}
	case *types.Func:
		if p := parameter(f.Origin(), arg); p != nil && v.w.insideOf(f) != nil && v.lent(child) == lends {
			return touch{method: f.Origin(), param: p}
		}
	}
	return touch{how: v.lent(child)}
}

// parameter is the one that an argument is passed as, if the call is of a declared function.
func parameter(f *types.Func, arg int) *types.Var {
	sig := f.Signature()
	n := sig.Params().Len()
	if n == 0 || arg < 0 || sig.Recv() != nil && types.IsInterface(sig.Recv().Type()) { // its implementations have parameters of their own
		return nil
	}
	return sig.Params().At(min(arg, n-1))
}

func (v *walker) byStatement(n ast.Node, child ast.Expr) touch {
	switch x := n.(type) {
	case *ast.AssignStmt:
		for _, l := range x.Lhs {
			if ast.Unparen(l) == child {
				return touch{how: v.assigned(child)}
			}
		}
		return touch{how: v.lent(child), returned: x.Tok == token.ASSIGN} // to a result that has a name, perhaps
	case *ast.IncDecStmt:
		return touch{how: v.assigned(child)}
	case *ast.RangeStmt:
		if x.Key != nil && ast.Unparen(x.Key) == child || x.Value != nil && ast.Unparen(x.Value) == child {
			return touch{how: v.assigned(child)}
		}
		if x.Value != nil && v.p.info.TypeOf(x.Value) != nil {
			return touch{how: v.lent(x.Value)}
		}
	case *ast.ReturnStmt:
		return touch{how: v.lent(child), returned: true}
	case *ast.SendStmt:
		if ast.Unparen(x.Chan) == child {
			return touch{how: alters}
		}
		return touch{how: v.lent(child)}
	case *ast.ValueSpec:
		return touch{how: v.lent(child)}
	}
	return touch{}
}

// assigned is for the left side. A local, or a receiver, that is itself overwritten changes nobody else's.
func (v *walker) assigned(child ast.Expr) how {
	if id, ok := child.(*ast.Ident); ok && !isGlobal(v.p.info.ObjectOf(id)) {
		return reads
	}
	return alters
}

func isGlobal(o types.Object) bool {
	return o != nil && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// byMethod is for the receiver of a method, called or not.
func (v *walker) byMethod(x *ast.SelectorExpr, s *types.Selection, i int) touch {
	f := s.Obj().(*types.Func).Origin()
	recv := f.Signature().Recv().Type()
	switch {
	case isConstant(recv):
		return touch{}
	case types.IsInterface(recv):
		if leadsOn(s.Recv(), nil) {
			return touch{how: lends, method: f}
		}
		return touch{}
	case !leadsOn(recv, nil):
		return touch{} // it gets a copy
	case v.w.insideOf(f) != nil:
		t := touch{method: f, param: f.Signature().Recv()}
		if i > 0 {
			if call, ok := v.stack[i-1].(*ast.CallExpr); ok && ast.Unparen(call.Fun) == x {
				next := v.follow(call, i-2)
				t.next, t.returned = &next, next.returned
			}
		}
		return t
	case f.Pkg().Path() == "sync/atomic":
		return touch{how: atomically(f.Name())}
	case changesByName(f.Name()) || v.takesCode(f):
		return touch{how: alters}
	}
	return touch{how: lends}
}

// takesCode reports whether a method outside may be given code of the inside to keep: a function, or a value with methods
// that isn't one of those that all kinds of methods take.
func (v *walker) takesCode(f *types.Func) bool {
	for p := range f.Signature().Params().Variables() {
		t := p.Type()
		if s, ok := t.(*types.Slice); ok && f.Signature().Variadic() {
			t = s.Elem()
		}
		if signatureOf(t) != nil {
			return true
		}
		i, ok := t.Underlying().(*types.Interface)
		if n, named := types.Unalias(t).(*types.Named); ok && named && i.NumMethods() > 0 && n.Obj().Pkg() != nil {
			path := n.Obj().Pkg().Path()
			if path != "context" && path != "io" && path != "fmt" {
				return true
			}
		}
	}
	return false
}
