package source

import (
	"go/ast"
	"go/token"
	"go/types"
)

// findConversions notes the types whose values the unit converts to interfaces, explicitly or not: from then on any
// code may call their methods. Type arguments count too; ident notes those.
func (v *walker) findConversions() {
	root := v.u.node
	ast.PreorderStack(root, nil, func(n ast.Node, stack []ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			v.convertCall(x)
		case *ast.AssignStmt:
			if x.Tok != token.DEFINE || len(x.Lhs) > 1 { // := may assign to variables that are there already
				v.convertAll(v.typesOf(x.Lhs), x.Rhs)
			}
		case *ast.ValueSpec:
			if x.Type != nil && len(x.Values) > 0 {
				v.convertAll(v.typesOf(identsOf(x.Names)), x.Values)
			}
		case *ast.ReturnStmt:
			if sig := v.enclosing(stack); sig != nil && len(x.Results) > 0 {
				v.convertAll(tupleTypes(sig.Results()), x.Results)
			}
		case *ast.CompositeLit:
			v.convertLiteral(x)
		case *ast.SendStmt:
			if c := chanOf(v.p.info.TypeOf(x.Chan)); c != nil {
				v.convert(c.Elem(), v.p.info.TypeOf(x.Value))
			}
		case *ast.RangeStmt:
			v.convertRange(x)
		case *ast.BinaryExpr:
			if x.Op == token.EQL || x.Op == token.NEQ {
				a, b := v.p.info.TypeOf(x.X), v.p.info.TypeOf(x.Y)
				v.convert(a, b)
				v.convert(b, a)
			}
		case *ast.IndexExpr:
			if m := mapOf(v.p.info.TypeOf(x.X)); m != nil {
				v.convert(m.Key(), v.p.info.TypeOf(x.Index))
			}
		case *ast.SwitchStmt:
			v.convertSwitch(x)
		}
		return true
	})
}

// convert notes that a value of type from is used where one of type to is wanted.
func (v *walker) convert(to, from types.Type) {
	if to == nil || from == nil || !types.IsInterface(to) || isTypeParam(to) {
		return
	}
	if types.IsInterface(from) { // type parameters included: what they stand for is noted where it is chosen
		return
	}
	v.u.live = append(v.u.live, from)
}

func isTypeParam(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.TypeParam)
	return ok
}

// convertAll pairs places with expressions, or with the results of one call.
func (v *walker) convertAll(to []types.Type, from []ast.Expr) {
	got := v.typesOf(from)
	if len(from) == 1 {
		if t, ok := got[0].(*types.Tuple); ok {
			got = tupleTypes(t)
		}
	}
	for i := range min(len(to), len(got)) {
		v.convert(to[i], got[i])
	}
}

func (v *walker) typesOf(list []ast.Expr) []types.Type {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = v.p.info.TypeOf(e)
	}
	return ts
}

func identsOf(names []*ast.Ident) []ast.Expr {
	list := make([]ast.Expr, len(names))
	for i, n := range names {
		list[i] = n
	}
	return list
}

func tupleTypes(t *types.Tuple) []types.Type {
	var ts []types.Type
	for x := range t.Variables() {
		ts = append(ts, x.Type())
	}
	return ts
}

// enclosing is the signature of the function around, which for a part of a function may be outside of the unit.
func (v *walker) enclosing(stack []ast.Node) *types.Signature {
	for i := len(stack) - 1; i >= 0; i-- {
		switch x := stack[i].(type) {
		case *ast.FuncLit:
			return signatureOf(v.p.info.TypeOf(x))
		case *ast.FuncDecl:
			if o := v.p.info.Defs[x.Name]; o != nil {
				return signatureOf(o.Type())
			}
		}
	}
	return nil
}

// signatureOf is the function type that t is, also through a type parameter's core.
func signatureOf(t types.Type) *types.Signature {
	return coreOf[*types.Signature](t)
}

func chanOf(t types.Type) *types.Chan { return coreOf[*types.Chan](t) }

func mapOf(t types.Type) *types.Map { return coreOf[*types.Map](t) }

// coreOf is the first type of kind T that t, or a term of the constraint that t is a parameter for, has below it.
func coreOf[T types.Type](t types.Type) T {
	var none T
	if t == nil {
		return none
	}
	if u, ok := t.Underlying().(T); ok {
		return u
	}
	i, ok := t.Underlying().(*types.Interface)
	if !ok || !isTypeParam(t) {
		return none
	}
	for e := range i.EmbeddedTypes() {
		union, ok := types.Unalias(e).(*types.Union)
		if !ok {
			if u, ok := e.Underlying().(T); ok {
				return u
			}
			continue
		}
		for term := range union.Terms() {
			if u, ok := term.Type().Underlying().(T); ok {
				return u
			}
		}
	}
	return none
}
