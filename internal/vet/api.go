package vet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// muster is the import path by which the checks know the API.
const muster = "github.com/musterrun/muster"

// registrars are the functions that make tasks of functions, with the places of their arguments: the name (-1 for
// none) and the function.
var registrars = map[string]struct{ name, fn int }{
	"Func":   {0, 1},
	"Local":  {-1, 0},
	"Stream": {0, 1},
	"Actor":  {0, 1},
	"Method": {1, 2},
}

// adapters make a function for a registrar out of their first argument.
var adapters = map[string]bool{"Plain": true, "PlainErr": true, "PerProcess": true}

// contextFree take a context that needn't be the task's own: they make another one of it.
var contextFree = map[string]bool{"Open": true, "Session.Context": true, "Lazy": true}

// apiOf is the name of the part of muster's API that is called, such as Func or Function.Map; "" for anything else.
func apiOf(info *types.Info, call *ast.CallExpr) string {
	return apiName(typeutil.StaticCallee(info, call))
}

func apiName(fn *types.Func) string {
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != muster || !fn.Exported() {
		return ""
	}
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name()
	}
	if named := namedOf(recv.Type()); named != nil {
		return named.Obj().Name() + "." + fn.Name()
	}
	return ""
}

// namedOf is the named type of t or of what t points at, or nil.
func namedOf(t types.Type) *types.Named {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	return named
}

// isAPIType reports whether t is, or points at, the type of muster's API with that name.
func isAPIType(t types.Type, name string) bool {
	named := namedOf(t)
	return named != nil && named.Obj().Name() == name && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == muster
}

// starts reports whether the call works only while tasks can run, so not in package initialisation: it takes a context
// for its task or its wait.
func starts(info *types.Info, call *ast.CallExpr) bool {
	name := apiOf(info, call)
	return name != "" && !contextFree[name] && takesContext(info, call)
}

func takesContext(info *types.Info, call *ast.CallExpr) bool {
	fn := typeutil.StaticCallee(info, call)
	if fn == nil || len(call.Args) == 0 {
		return false
	}
	params := fn.Signature().Params()
	return params.Len() > 0 && isContext(params.At(0).Type())
}

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Context" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "context"
}

// method is the part of an API name after the type.
func method(api string) string {
	if _, m, ok := strings.Cut(api, "."); ok {
		return m
	}
	return api
}

// qualified is how a function is named in the tables and messages: time.Now, (*os.File).Read.
func qualified(fn *types.Func) string { return fn.FullName() }

// fullName is qualified of what a call calls, or "" for a dynamic call.
func fullName(info *types.Info, call *ast.CallExpr) string {
	if fn := typeutil.StaticCallee(info, call); fn != nil {
		return qualified(fn)
	}
	return ""
}

// argument is the i-th argument of a call, or nil.
func argument(call *ast.CallExpr, i int) ast.Expr {
	if i < 0 || i >= len(call.Args) {
		return nil
	}
	return call.Args[i]
}

// unwrap takes parentheses and type arguments off.
func unwrap(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		default:
			return e
		}
	}
}

// function is the function or method that an expression names, as it is declared; nil for any other expression and for
// a method of an interface.
func function(info *types.Info, e ast.Expr) *types.Func {
	var id *ast.Ident
	switch x := unwrap(e).(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return nil
	}
	fn, ok := info.Uses[id].(*types.Func)
	if !ok {
		return nil
	}
	if recv := fn.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) {
		return nil
	}
	return fn.Origin()
}

// variable is the variable that an expression names, or nil.
func variable(info *types.Info, e ast.Expr) *types.Var {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, _ := info.ObjectOf(x).(*types.Var)
		return v
	case *ast.SelectorExpr:
		if info.Selections[x] == nil { // a package's
			v, _ := info.Uses[x.Sel].(*types.Var)
			return v
		}
	}
	return nil
}

func isGlobal(v *types.Var) bool {
	return v != nil && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}
