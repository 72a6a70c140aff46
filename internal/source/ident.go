package source

import (
	"go/ast"
	"go/types"
)

// ident writes a name as what it means: globals by their full name, locals by number.
func (v *walker) ident(id *ast.Ident) {
	if id.Name == "_" {
		v.word("_")
		return
	}
	info := v.p.info
	obj := info.Uses[id]
	if obj == nil {
		obj = info.Defs[id]
	}
	if inst, ok := info.Instances[id]; ok {
		for t := range inst.TypeArgs.Types() {
			v.u.live = append(v.u.live, t)
			namedIn(t, v.use)
		}
	}
	switch o := obj.(type) {
	case nil: // the variable of a type switch, or a name of C's
		v.local(id, nil)
	case *types.PkgName, *types.Label:
		v.local(id, obj)
	case *types.Builtin, *types.Nil:
		v.word("builtin:" + id.Name)
	case *types.Func:
		v.function(id, o.Origin())
	case *types.Var:
		v.variable(id, o.Origin())
	default:
		v.declared(id, obj)
	}
}

// local numbers what a unit declares in the order of appearance.
func (v *walker) local(id *ast.Ident, o types.Object) {
	pos := id.Pos()
	if o != nil {
		pos = o.Pos()
	}
	n, ok := v.locals[pos]
	if !ok {
		n = len(v.locals)
		v.locals[pos] = n
	}
	v.b = append(v.b, 'L')
	v.number(n)
	if o != nil && (pos < v.u.node.Pos() || pos >= v.u.node.End()) {
		v.caught[o] = true
	}
}

func (v *walker) function(id *ast.Ident, f *types.Func) {
	v.word("func:" + f.FullName())
	if f.Pkg() == nil {
		return // error's method
	}
	if text := opaque[f.FullName()]; text != "" {
		v.u.troubles.add(id.Pos(), f.FullName()+" "+text)
	}
	v.use(f)
	if v.runs() {
		v.useAndRun(f)
		v.tell(f)
	}
}

// tell notes that an object outside may be told something when the unit runs.
func (v *walker) tell(o types.Object) {
	if v.w.insideOf(o) == nil && heard(o.Pkg().Path(), o.Name()) {
		v.u.tells[o.Pkg().Path()] = true
	}
}

func (v *walker) variable(id *ast.Ident, o *types.Var) {
	switch {
	case o.IsField():
		v.word("." + id.Name)
	case isGlobal(o):
		v.word("var:" + o.Pkg().Path() + "." + id.Name)
		v.useAndRun(o)
		v.touched(id, root{v: o})
	default:
		if v.owned[o] {
			v.touched(id, root{v: o})
		}
		for _, r := range v.u.aliases[o] {
			v.touched(id, r)
		}
		v.local(id, o)
	}
}

// declared writes a type's or constant's name.
func (v *walker) declared(id *ast.Ident, o types.Object) {
	t, isType := o.(*types.TypeName)
	switch {
	case o.Pkg() == nil:
		v.word("builtin:" + id.Name)
	case o.Parent() == o.Pkg().Scope():
		v.word("type:" + o.Pkg().Path() + "." + id.Name)
		v.useAndRun(o)
	case isType && !isParam(t):
		v.word("type:" + id.Name) // a local type's name can be seen by reflection
		v.local(id, o)
	default:
		v.local(id, o)
	}
}

func isParam(t *types.TypeName) bool {
	_, ok := t.Type().(*types.TypeParam)
	return ok
}

// use notes that the unit names a global.
func (v *walker) use(o types.Object) {
	if o == nil || o.Pkg() == nil || v.named[o] {
		return
	}
	v.named[o] = true
	v.u.uses = append(v.u.uses, o)
	if v.w.insideOf(o) == nil {
		v.u.outside[o.Pkg().Path()] = true
	}
}

// useAndRun notes that the unit names a global and may run, or read, it when it runs.
func (v *walker) useAndRun(o types.Object) {
	v.use(o)
	if o == nil || o.Pkg() == nil || v.run[o] {
		return
	}
	v.run[o] = true
	v.u.runs = append(v.u.runs, o)
}

// runs reports whether a function that is named here may run when the unit does. It doesn't where it is only kept: as
// code that is registered with muster, in a command that nothing is called with, or in the declaration of a variable that
// calls nothing.
func (v *walker) runs() bool {
	kept := false
	for i := len(v.stack) - 1; i >= 0; i-- {
		switch n := v.stack[i].(type) {
		case *ast.CallExpr:
			if v.callsMuster(n) {
				return false
			}
			for i >= 0 { // it runs when the function that it stands in does
				if _, ok := v.stack[i].(*ast.FuncLit); ok {
					break
				}
				i--
			}
			if i < 0 {
				return true
			}
		case *ast.CompositeLit:
			kept = kept || v.onlyKept(n)
		}
	}
	_, isVar := v.u.node.(*ast.ValueSpec)
	return !isVar && !kept
}

// onlyKept reports whether a literal is of one of the keepers.
func (v *walker) onlyKept(lit *ast.CompositeLit) bool {
	t := v.p.info.TypeOf(lit)
	return t != nil && isOneOf(t.Underlying(), keepers) || t != nil && isOneOf(t, keepers)
}

// callee is the declared function or builtin that a call names, or nil.
func callee(info *types.Info, call *ast.CallExpr) types.Object {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = ast.Unparen(x.X)
	case *ast.IndexListExpr:
		fun = ast.Unparen(x.X)
	}
	switch x := fun.(type) {
	case *ast.Ident:
		return info.Uses[x]
	case *ast.SelectorExpr:
		return info.Uses[x.Sel]
	}
	return nil
}

func (v *walker) callsMuster(call *ast.CallExpr) bool {
	f, ok := callee(v.p.info, call).(*types.Func)
	return ok && f.Pkg() != nil && f.Pkg().Path() == musterPath
}

// note records calls: those that register functions, and that an initialiser calls something; and unexported methods
// that interfaces ask for.
func (v *walker) note(n ast.Node) {
	if i, ok := n.(*ast.InterfaceType); ok {
		for _, m := range i.Methods.List {
			for _, name := range m.Names {
				v.u.wants = append(v.u.wants, name.Name)
			}
		}
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return
	}
	o := callee(v.p.info, call)
	if f, ok := o.(*types.Func); ok && f.Pkg() != nil && f.Pkg().Path() == musterPath {
		if reg, ok := registrars[f.Name()]; ok && f.Signature().Recv() == nil && len(call.Args) > reg.name {
			s := site{call: call, reg: reg, what: "muster." + f.Name(), in: v.u}
			v.u.sites = append(v.u.sites, s)
		}
		return
	}
	if _, ok := o.(*types.Builtin); ok || v.p.info.Types[call.Fun].IsType() {
		return
	}
	v.u.calls = true
}
