package source

import "go/types"

// leadsOn reports whether a copy of a value of the type leads to something that can be changed through it.
func leadsOn(t types.Type, seen map[types.Type]bool) bool {
	if isConstant(t) || isMusters(t) || seen[t] {
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
func isConstant(t types.Type) bool { return isOneOf(t, constantTypes) }

// isOneOf reports whether t, or what it points to, is a type outside that a table names.
func isOneOf(t types.Type, table map[string]bool) bool {
	if t == nil {
		return false
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && table[n.Obj().Pkg().Path()+"."+n.Obj().Name()]
}

// isMusters reports whether t, or what it points to, is a type of package muster's: a handle of a function.
func isMusters(t types.Type) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == musterPath
}

// keepsCode reports whether a variable of the type may hold functions that somebody who has it calls while packages are
// initialised.
func keepsCode(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] || isConstant(t) || isOneOf(t, keepers) || isError(t) || isMusters(t) {
		return false
	}
	if _, ok := types.Unalias(t).(*types.Named); ok {
		if seen == nil {
			seen = map[types.Type]bool{}
		}
		seen[t] = true
	}
	switch u := t.Underlying().(type) {
	case *types.Signature, *types.Interface:
		return true
	case *types.Map:
		return keepsCode(u.Elem(), seen) || keepsCode(u.Key(), seen)
	case *types.Slice:
		return keepsCode(u.Elem(), seen)
	case *types.Array:
		return keepsCode(u.Elem(), seen)
	case *types.Chan:
		return keepsCode(u.Elem(), seen)
	case *types.Pointer:
		return keepsCode(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if keepsCode(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}
