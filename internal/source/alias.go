package source

import (
	"go/ast"
	"go/types"
	"slices"
)

// alias notes the locals that a statement makes lead to the same as a variable of a package, or as what a function
// returns, so that what happens to them is seen as happening to that.
func (v *walker) alias(n ast.Node) {
	switch x := n.(type) {
	case *ast.AssignStmt:
		for i, l := range x.Lhs {
			if len(x.Lhs) == len(x.Rhs) {
				v.leads(l, x.Rhs[i])
			} else {
				v.leads(l, x.Rhs[0])
			}
		}
	case *ast.ValueSpec:
		for i, name := range x.Names {
			if len(x.Names) == len(x.Values) {
				v.leads(name, x.Values[i])
			} else if len(x.Values) == 1 {
				v.leads(name, x.Values[0])
			}
		}
	case *ast.RangeStmt:
		if x.Value != nil {
			v.leads(x.Value, x.X)
		}
	case *ast.CallExpr:
		if f := v.accessor(x); f != nil {
			v.touched(x, root{f: f})
		}
	}
}

// leads notes that a local leads to where an expression does.
func (v *walker) leads(local, to ast.Expr) {
	id, ok := ast.Unparen(local).(*ast.Ident)
	if !ok {
		return
	}
	o, ok := v.p.info.ObjectOf(id).(*types.Var)
	if !ok || isGlobal(o) || v.owned[o] || !leadsOn(o.Type(), nil) {
		return
	}
	if r := v.rootOf(to); r != (root{}) {
		if v.u.aliases == nil {
			v.u.aliases = map[types.Object][]root{}
		}
		if !slices.Contains(v.u.aliases[o], r) {
			v.u.aliases[o] = append(v.u.aliases[o], r)
		}
	}
}

// accessor is the function of the inside that a call calls, if what it returns leads on.
func (v *walker) accessor(call *ast.CallExpr) *types.Func {
	f, ok := callee(v.p.info, call).(*types.Func)
	if !ok || v.w.insideOf(f) == nil || types.IsInterface(typeOfReceiver(f)) {
		return nil
	}
	for r := range f.Signature().Results().Variables() {
		if leadsOn(r.Type(), nil) {
			return f.Origin()
		}
	}
	return nil
}

// typeOfReceiver is a method's receiver's type; for a function some type that isn't an interface.
func typeOfReceiver(f *types.Func) types.Type {
	if r := f.Signature().Recv(); r != nil {
		return r.Type()
	}
	return types.Typ[types.Int]
}

// rootOf is what an expression is a part of.
func (v *walker) rootOf(e ast.Expr) root {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			if o, ok := v.p.info.Uses[x.Sel].(*types.Var); ok && isGlobal(o) {
				return root{v: o}
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.UnaryExpr:
			e = x.X
		case *ast.TypeAssertExpr:
			e = x.X
		case *ast.CallExpr:
			return v.rootOfCall(x)
		case *ast.Ident:
			o, ok := v.p.info.ObjectOf(x).(*types.Var)
			if !ok {
				return root{}
			}
			if isGlobal(o) || v.owned[o] {
				return root{v: o}
			}
			if list := v.u.aliases[o]; len(list) > 0 {
				return list[0]
			}
			return root{}
		default:
			return root{}
		}
	}
}

// rootOfCall is the receiver's for a method, since a method often returns a part of it, and the function itself for
// what it gives access to.
func (v *walker) rootOfCall(call *ast.CallExpr) root {
	if v.p.info.Types[call.Fun].IsType() && len(call.Args) == 1 {
		return v.rootOf(call.Args[0])
	}
	if s, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && v.p.info.Selections[s] != nil {
		if r := v.rootOf(s.X); r != (root{}) {
			return r
		}
	}
	if f := v.accessor(call); f != nil {
		return root{f: f}
	}
	return root{}
}
