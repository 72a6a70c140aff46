package source

import "go/types"

// leadsOn reports whether a copy of a value of the type leads to something that can be changed through it.
func leadsOn(t types.Type, seen map[types.Type]bool) bool {
	if isConstant(t) || seen[t] {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map, *types.Slice, *types.Chan, *types.Pointer:
		return true
	case *types.Interface:
		return !isError(t)
	case *types.Array:
		return leadsOn(u.Elem(), seen)
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Struct:
		if seen == nil {
			seen = map[types.Type]bool{}
		}
		seen[t] = true
		for f := range u.Fields() {
			if leadsOn(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}

// isError reports whether t is error: values of errors are made once and compared.
func isError(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() == nil && n.Obj().Name() == "error"
}

// isConstant reports whether t, or what it points to, is one of constantTypes.
func isConstant(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && constantTypes[n.Obj().Pkg().Path()+"."+n.Obj().Name()]
}

// keepsCode reports whether a variable of the type may hold functions that somebody who has it calls: in itself, in its
// elements, or in structs of the inside.
func (w *world) keepsCode(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] || isConstant(t) {
		return false
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		if isError(t) || n.Obj().Pkg() != nil && w.insideOf(n.Obj()) == nil {
			return false
		}
		if seen == nil {
			seen = map[types.Type]bool{}
		}
		seen[t] = true
	}
	switch u := t.Underlying().(type) {
	case *types.Signature, *types.Interface:
		return true
	case *types.Map:
		return w.keepsCode(u.Elem(), seen) || w.keepsCode(u.Key(), seen)
	case *types.Slice:
		return w.keepsCode(u.Elem(), seen)
	case *types.Array:
		return w.keepsCode(u.Elem(), seen)
	case *types.Chan:
		return w.keepsCode(u.Elem(), seen)
	case *types.Pointer:
		return w.keepsCode(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if w.keepsCode(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}
