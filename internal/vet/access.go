package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// access is that a node reads or writes a package variable or a parameter.
type access struct {
	v           *types.Var
	read, write bool
	use
}

// variableUsed enters what happens to a variable at one place.
func (c *code) variableUsed(cur inspector.Cursor, v *types.Var) {
	u := access{v: v, use: c.use(cur.Node().Pos())}
	if parent, ok := cur.Parent().Node().(*ast.SelectorExpr); ok && parent.Sel == cur.Node() {
		if c.info.Selections[parent] != nil {
			return // a field of something else
		}
		cur = cur.Parent()
	}
	p, deep := c.climb(cur, &u)
	for n := range c.owners(cur) {
		if p.to != nil {
			p.nodes = append(p.nodes, n)
		}
		if isGlobal(v) {
			n.uses = append(n.uses, u)
		} else if u.write && deep {
			n.mutates |= c.paramBit(n, v)
		}
	}
	if p.to != nil {
		p.access = u
		c.passings = append(c.passings, p)
	}
}

func (c *code) use(pos token.Pos) use { return use{c.where(pos), pos} }

// parsed enters that parsing the command line writes the package's flags.
func (c *code) parsed(cur inspector.Cursor) {
	for _, name := range c.pass.Pkg.Scope().Names() {
		v, ok := c.pass.Pkg.Scope().Lookup(name).(*types.Var)
		if !ok || !strings.HasPrefix(c.origins.of[v].from, "flag.") {
			continue
		}
		for n := range c.owners(cur) {
			n.uses = append(n.uses, access{v: v, write: true, use: c.use(cur.Node().Pos())})
		}
	}
}

// climb goes from a variable up to what is done with it or with a part of it. Deep is that this concerns what the
// variable points at.
func (c *code) climb(cur inspector.Cursor, u *access) (p passing, deep bool) {
	for {
		kind := cur.ParentEdgeKind()
		parent := cur.Parent()
		switch kind {
		case edge.ParenExpr_X:
		case edge.StarExpr_X, edge.SliceExpr_X:
			deep = true
		case edge.IndexExpr_X:
			_, array := c.info.TypeOf(cur.Node().(ast.Expr)).Underlying().(*types.Array)
			deep = deep || !array
		case edge.SelectorExpr_X:
			sel := c.info.Selections[parent.Node().(*ast.SelectorExpr)]
			if sel.Kind() != types.FieldVal {
				return c.methodUsed(sel, u), true
			}
			deep = deep || isPointer(sel.Recv())
		case edge.UnaryExpr_X:
			if parent.Node().(*ast.UnaryExpr).Op == token.AND && parent.ParentEdgeKind() == edge.CallExpr_Args {
				return c.passed(parent, true, u), true
			}
			u.read = true
			return p, deep
		case edge.CallExpr_Args:
			return c.passed(cur, false, u), true
		case edge.AssignStmt_Lhs:
			u.write = true
			tok := parent.Node().(*ast.AssignStmt).Tok
			u.read = tok != token.ASSIGN && tok != token.DEFINE
			return p, deep
		case edge.IncDecStmt_X:
			u.write, u.read = true, true
			return p, deep
		case edge.RangeStmt_Key, edge.RangeStmt_Value:
			u.write = true
			return p, deep
		default:
			u.read = true
			return p, deep
		}
		cur = parent
	}
}

// methodUsed says what a method does with the variable that it is called on.
func (c *code) methodUsed(sel *types.Selection, u *access) passing {
	fn, ok := sel.Obj().(*types.Func)
	if !ok {
		u.read = true
		return passing{}
	}
	fn = fn.Origin()
	recv := fn.Signature().Recv().Type()
	switch {
	case isSync(recv):
	case c.own(fn.Pkg()):
		u.read = true
		return passing{to: fn}
	case isPointer(recv) && changesReceiver(fn):
		u.write = true
	default:
		u.read = true
	}
	return passing{}
}

// passed says what a call does with an argument, given as its address or as it is.
func (c *code) passed(arg inspector.Cursor, address bool, u *access) passing {
	_, i := arg.ParentEdge()
	call := arg.Parent().Node().(*ast.CallExpr)
	u.read = true
	if b, ok := typeutil.Callee(c.info, call).(*types.Builtin); ok {
		u.write = i == 0 && (b.Name() == "delete" || b.Name() == "clear" || b.Name() == "copy")
		return passing{}
	}
	fn := typeutil.StaticCallee(c.info, call)
	switch {
	case fn == nil:
	case c.own(fn.Pkg()):
		n := fn.Signature().Params().Len()
		return passing{to: fn.Origin(), bit: uint(min(i+1, n))}
	default:
		u.write = (address || i == 0) && changesArgument(fn, address)
	}
	return passing{}
}

func isPointer(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Pointer)
	return ok
}
