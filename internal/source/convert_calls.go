package source

import (
	"go/ast"
	"go/types"
)

// convertCall is for arguments: of conversions, of builtins and of functions.
func (v *walker) convertCall(call *ast.CallExpr) {
	info := v.p.info
	fun := info.Types[call.Fun]
	if fun.IsType() {
		v.convertAll([]types.Type{fun.Type}, call.Args)
		return
	}
	if b, ok := callee(info, call).(*types.Builtin); ok {
		v.convertBuiltin(b.Name(), call)
		return
	}
	sig := signatureOf(fun.Type)
	if sig == nil {
		return
	}
	to := tupleTypes(sig.Params())
	if !sig.Variadic() || call.Ellipsis.IsValid() {
		v.convertAll(to, call.Args)
		return
	}
	last := to[len(to)-1]
	elem := last
	if s, ok := last.Underlying().(*types.Slice); ok {
		elem = s.Elem()
	}
	n := len(call.Args)
	if n == 1 {
		if t, ok := info.TypeOf(call.Args[0]).(*types.Tuple); ok {
			n = t.Len()
		}
	}
	to = to[:len(to)-1]
	for len(to) < n {
		to = append(to, elem)
	}
	v.convertAll(to, call.Args)
}

func (v *walker) convertBuiltin(name string, call *ast.CallExpr) {
	args := v.typesOf(call.Args)
	switch name {
	case "panic":
		v.convert(types.Universe.Lookup("any").Type(), args[0])
	case "delete":
		if m := mapOf(args[0]); m != nil {
			v.convert(m.Key(), args[1])
		}
	case "append":
		if s := coreOf[*types.Slice](args[0]); s != nil && !call.Ellipsis.IsValid() {
			for _, a := range args[1:] {
				v.convert(s.Elem(), a)
			}
		}
	}
}

// convertLiteral is for the elements of a composite literal.
func (v *walker) convertLiteral(lit *ast.CompositeLit) {
	info := v.p.info
	t := info.TypeOf(lit)
	if t == nil {
		return
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	structure := coreOf[*types.Struct](t)
	var key, elem types.Type
	if m := mapOf(t); m != nil {
		key, elem = m.Key(), m.Elem()
	} else if s := coreOf[*types.Slice](t); s != nil {
		elem = s.Elem()
	} else if a := coreOf[*types.Array](t); a != nil {
		elem = a.Elem()
	}
	for i, e := range lit.Elts {
		value, kv := e, (*ast.KeyValueExpr)(nil)
		if x, ok := e.(*ast.KeyValueExpr); ok {
			value, kv = x.Value, x
		}
		to := elem
		switch {
		case structure != nil && kv == nil && i < structure.NumFields():
			to = structure.Field(i).Type()
		case structure != nil && kv != nil:
			to = info.TypeOf(kv.Key)
		case kv != nil:
			v.convert(key, info.TypeOf(kv.Key))
		}
		v.convert(to, info.TypeOf(value))
	}
}

// convertRange is for a loop that assigns to variables which are there already.
func (v *walker) convertRange(x *ast.RangeStmt) {
	info := v.p.info
	var from []types.Type
	over := info.TypeOf(x.X)
	switch {
	case mapOf(over) != nil:
		from = []types.Type{mapOf(over).Key(), mapOf(over).Elem()}
	case chanOf(over) != nil:
		from = []types.Type{chanOf(over).Elem()}
	case coreOf[*types.Slice](over) != nil:
		from = []types.Type{nil, coreOf[*types.Slice](over).Elem()}
	case signatureOf(over) != nil && signatureOf(over).Params().Len() == 1:
		if yield := signatureOf(signatureOf(over).Params().At(0).Type()); yield != nil {
			from = tupleTypes(yield.Params())
		}
	default:
		if p, ok := over.Underlying().(*types.Pointer); ok {
			over = p.Elem()
		}
		if a := coreOf[*types.Array](over); a != nil {
			from = []types.Type{nil, a.Elem()}
		} else {
			from = []types.Type{over} // an integer
		}
	}
	for i, e := range []ast.Expr{x.Key, x.Value} {
		if e != nil && i < len(from) {
			v.convert(info.TypeOf(e), from[i])
		}
	}
}

// convertSwitch is for cases, which are compared with the tag.
func (v *walker) convertSwitch(x *ast.SwitchStmt) {
	if x.Tag == nil {
		return
	}
	tag := v.p.info.TypeOf(x.Tag)
	for _, s := range x.Body.List {
		for _, e := range s.(*ast.CaseClause).List {
			v.convert(tag, v.p.info.TypeOf(e))
			v.convert(v.p.info.TypeOf(e), tag)
		}
	}
}
