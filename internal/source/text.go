package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strconv"

	"github.com/zeebo/blake3"
)

// walker goes through a unit once, writes its normalised text and notes its facts.
type walker struct {
	w      *world
	p      *pkg
	u      *unit
	b      []byte
	stack  []ast.Node // the nodes around the one at hand, without parentheses
	locals map[token.Pos]int
	named  map[types.Object]bool // those in uses
	run    map[types.Object]bool // those in runs
	owned  map[types.Object]bool // the receiver and parameters that lead on
	caught map[types.Object]bool // locals that are declared outside of the node
}

func newWalker(w *world, u *unit) *walker {
	u.outside, u.tells = map[string]bool{}, map[string]bool{}
	v := &walker{
		w: w, p: u.pkg, u: u, locals: map[token.Pos]int{},
		named: map[types.Object]bool{}, run: map[types.Object]bool{}, caught: map[types.Object]bool{},
	}
	if d, ok := u.node.(*ast.FuncDecl); ok {
		if f, ok := u.pkg.info.Defs[d.Name].(*types.Func); ok {
			v.own(f.Signature())
		}
	}
	return v
}

// own notes what a function is given and might change.
func (v *walker) own(sig *types.Signature) {
	v.owned = map[types.Object]bool{}
	if r := sig.Recv(); r != nil && leadsOn(r.Type(), nil) {
		v.owned[r] = true
	}
	for p := range sig.Params().Variables() {
		if leadsOn(p.Type(), nil) {
			v.owned[p] = true
		}
	}
}

func (v *walker) walk() {
	v.word(v.p.versionAt(v.u.node.Pos()))
	ast.Inspect(v.u.node, v.visit)
	v.findConversions()
	v.hashEmbedded()
	v.u.sum = blake3.Sum256(v.b)
}

// versionAt is the language version that a file's build constraint asks for, which changes what its code means.
func (p *pkg) versionAt(pos token.Pos) string {
	for _, f := range p.files {
		if f.FileStart <= pos && pos < f.FileEnd {
			return f.GoVersion
		}
	}
	return ""
}

// visit writes a node as "(Kind attributes children )".
func (v *walker) visit(n ast.Node) bool {
	switch x := n.(type) {
	case nil:
		v.word(")")
		v.stack = v.stack[:len(v.stack)-1]
		return false
	case *ast.CommentGroup, *ast.Comment:
		return false
	case *ast.ParenExpr:
		ast.Inspect(x.X, v.visit)
		return false
	case *ast.EmptyStmt:
		return false
	case *ast.Ident:
		if _, ok := v.p.info.Uses[x].(*types.Const); !ok || !v.constant(x) {
			v.ident(x)
		}
		return false
	case *ast.SelectorExpr:
		if _, ok := v.p.info.Uses[x.Sel].(*types.Const); ok && v.constant(x) {
			return false
		}
		return v.selector(x)
	case *ast.BasicLit, *ast.BinaryExpr, *ast.UnaryExpr, *ast.CallExpr: // others have no constant value
		if v.constant(x.(ast.Expr)) {
			return false
		}
	case *ast.GenDecl:
		if x.Tok == token.CONST {
			return false // constants are written where they are used
		}
	case *ast.Field:
		v.field(x)
		return false
	}
	v.open(n)
	return true
}

func (v *walker) open(n ast.Node) {
	v.b = append(v.b, '(')
	v.word(reflect.TypeOf(n).Elem().Name())
	v.attributes(n)
	v.note(n)
	v.alias(n)
	v.stack = append(v.stack, n)
}

// constant writes an expression that has a constant value as its type and value.
func (v *walker) constant(e ast.Expr) bool {
	tv, ok := v.p.info.Types[e]
	if !ok || tv.Value == nil {
		return false
	}
	v.word("const:" + types.TypeString(tv.Type, (*types.Package).Path) + "=" + tv.Value.ExactString())
	namedIn(tv.Type, v.use)
	return true
}

// selector leaves out the names of imports, and notes the types that a selection goes through.
func (v *walker) selector(x *ast.SelectorExpr) bool {
	if id, ok := ast.Unparen(x.X).(*ast.Ident); ok {
		if imported, ok := v.p.info.Uses[id].(*types.PkgName); ok {
			if imported.Imported().Path() == "C" {
				v.u.troubles.add(x.Pos(), "cgo's C."+x.Sel.Name+" is code in C")
			}
			v.stack = append(v.stack, x)
			v.ident(x.Sel)
			v.stack = v.stack[:len(v.stack)-1]
			return false
		}
	}
	if s := v.p.info.Selections[x]; s != nil {
		namedIn(s.Recv(), v.use)
	}
	v.open(x)
	return true
}

// field writes a parameter, result or struct field. A tag's spelling doesn't matter, only what it says.
func (v *walker) field(x *ast.Field) {
	v.word("(Field")
	v.number(len(x.Names))
	v.stack = append(v.stack, x)
	for _, n := range x.Names {
		ast.Inspect(n, v.visit)
	}
	ast.Inspect(x.Type, v.visit)
	if x.Tag != nil {
		tag, err := strconv.Unquote(x.Tag.Value)
		v.word("tag:" + strconv.Quote(tag))
		v.flags(err != nil)
	}
	v.word(")")
	v.stack = v.stack[:len(v.stack)-1]
}

// namedIn calls f for the declared types that t is made of.
func namedIn(t types.Type, f func(types.Object)) {
	switch t := t.(type) {
	case *types.Alias:
		f(t.Obj())
		namedIn(types.Unalias(t), f)
	case *types.Named:
		f(t.Obj())
		for a := range t.TypeArgs().Types() {
			namedIn(a, f)
		}
	case *types.Pointer:
		namedIn(t.Elem(), f)
	case *types.Slice:
		namedIn(t.Elem(), f)
	case *types.Array:
		namedIn(t.Elem(), f)
	case *types.Map:
		namedIn(t.Key(), f)
		namedIn(t.Elem(), f)
	case *types.Chan:
		namedIn(t.Elem(), f)
	}
}
