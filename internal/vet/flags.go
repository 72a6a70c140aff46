package vet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// findFlags finds the package variables that hold flags of the command line: those set to what flag.Int and its kin
// return, and those whose address flag.IntVar and its kin get. A struct with a field that is a flag isn't one: its other
// fields needn't be.
func (c *code) findFlags() {
	add := func(v *types.Var) {
		if v != nil && isGlobal(v) {
			c.flags[v] = true
		}
	}
	c.eachBinding(func(to *types.Var, from ast.Expr) {
		if call, ok := ast.Unparen(from).(*ast.CallExpr); ok && flagMakers[c.flagCall(call)] {
			add(to)
		}
	})
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if !strings.HasSuffix(c.flagCall(call), "Var") || len(call.Args) == 0 {
			continue
		}
		to := ast.Unparen(call.Args[0])
		if address, ok := to.(*ast.UnaryExpr); ok {
			to = address.X
		}
		add(variable(c.info, to))
	}
}

// flagMakers are the functions of package flag, and the methods of a FlagSet, that return where a flag's value will be.
var flagMakers = map[string]bool{
	"Bool": true, "Duration": true, "Float64": true, "Int": true, "Int64": true, "String": true, "Uint": true, "Uint64": true,
}

// flagCall is the name of the function of package flag, or the method of a type there, that is called, or "".
func (c *code) flagCall(call *ast.CallExpr) string {
	fn := typeutil.StaticCallee(c.info, call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "flag" {
		return ""
	}
	return fn.Name()
}

// commandLineRead enters that a variable is read which holds a flag, or the command line.
func (c *code) commandLineRead(cur inspector.Cursor, v *types.Var) {
	what := c.commandLine(v)
	if what == "" {
		return
	}
	whole := cur
	if cur.ParentEdgeKind() == edge.SelectorExpr_Sel {
		whole = cur.Parent()
	}
	var u access
	c.climb(whole, &u)
	if !u.read || u.write || c.idle(whole, map[*types.Var]bool{}) {
		return
	}
	for n := range c.owners(cur) {
		pos := cur.Node().Pos()
		n.acts = append(n.acts, act{Act{Environ, what, c.where(pos)}, pos})
	}
}

// commandLine says what of the command line a variable holds, or "".
func (c *code) commandLine(v *types.Var) string {
	if !isGlobal(v) {
		return ""
	}
	if name := globalName(v); name == "os.Args" {
		return name
	}
	isFlag := c.flags[v]
	if !isFlag && v.Pkg() != c.pass.Pkg && c.own(v.Pkg()) {
		var f Variable
		isFlag = c.pass.ImportObjectFact(v, &f) && f.Flag
	}
	if isFlag {
		return "the flag " + short(globalName(v))
	}
	return ""
}
