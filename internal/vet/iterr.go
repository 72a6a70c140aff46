package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

var iterr = check("iterr", `find loops over results that never look at the errors

	for v := range Parse.Map(ctx, files) {           // bad: an item that failed is a zero value
	for r := range Parse.Unordered(ctx, files) {     // bad if r.Err is never read
	for i := range muster.Completed(ctx, refs...) {  // bad if no Ref is asked

An item's failure doesn't end the loop, and neither does anything but the last error tell a loop that ctx ended from a
complete one. In tests "for range" may loop for the side effect alone.`, checkLoops)

func checkLoops(pass *analysis.Pass, c *code) {
	for cur := range c.root.Preorder((*ast.RangeStmt)(nil)) {
		loop := cur.Node().(*ast.RangeStmt)
		call := c.sequence(loop.X)
		if call == nil || c.inTest(loop.Pos()) && loop.Key == nil {
			continue
		}
		switch name := apiOf(c.info, call); {
		case name == "Completed" || name == "Pending.Completed":
			if !c.asks(cur, loop) {
				pass.Reportf(loop.Pos(), "the loop never asks the Refs of Completed for their errors: call Get or Wait on each")
			}
		case yieldsErrors(c.info.TypeOf(call)):
			if blank(loop.Value) {
				pass.Reportf(loop.Pos(), "the loop never reads the errors of %s: an item that failed is a zero value, and a loop that "+
					"ctx ended looks complete; range over v, err", method(name))
			}
		case name == "Function.Unordered":
			if !c.readsErr(loop) {
				pass.Reportf(loop.Pos(), "the loop never reads the results' Err: an item that failed has a zero Out, and a loop that "+
					"ctx ended looks complete; look at Err first")
			}
		}
	}
}

// sequence is the call of muster's API whose result is ranged over, directly or through a variable that has no other.
func (c *code) sequence(x ast.Expr) *ast.CallExpr {
	if !isSeq(c.info.TypeOf(x)) {
		return nil
	}
	if v := variable(c.info, x); v != nil {
		n := 0
		c.eachBinding(func(to *types.Var, from ast.Expr) {
			if to == v {
				n++
				x = from
			}
		})
		if n != 1 {
			return nil
		}
	}
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok || apiOf(c.info, call) == "" {
		return nil
	}
	return call
}

// yieldsErrors reports whether t is an iter.Seq2 of something and an error.
func yieldsErrors(t types.Type) bool {
	args := namedOf(t).TypeArgs()
	return args.Len() == 2 && types.Identical(args.At(1), types.Universe.Lookup("error").Type())
}

func blank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// readsErr reports whether a loop over Results reads Err, or gives the Result away as a whole.
func (c *code) readsErr(loop *ast.RangeStmt) bool {
	if blank(loop.Key) {
		return false
	}
	v, _ := c.info.ObjectOf(loop.Key.(*ast.Ident)).(*types.Var)
	return c.usedOtherwise(loop, v, func(sel string) bool { return sel != "Err" })
}

// asks reports whether a loop over Refs asks one of them: it, or the function around it if the loop only waits.
func (c *code) asks(cur inspector.Cursor, loop *ast.RangeStmt) bool {
	if !blank(loop.Value) {
		v, _ := c.info.ObjectOf(loop.Value.(*ast.Ident)).(*types.Var)
		return c.usedOtherwise(loop, v, func(sel string) bool {
			return sel == "IsZero" || sel == "Done" || sel == "Cancel" || sel == "Plan"
		})
	}
	for decl := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.GenDecl)(nil)) {
		for call := range decl.Preorder((*ast.CallExpr)(nil)) {
			switch apiOf(c.info, call.Node().(*ast.CallExpr)) {
			case "Ref.Get", "Ref.Wait", "Ref.Value", "Gather", "Reduce":
				return true
			}
		}
	}
	return false
}

// usedOtherwise reports whether the loop's body uses v in another way than for the fields and methods that passes says.
func (c *code) usedOtherwise(loop *ast.RangeStmt, v *types.Var, passes func(sel string) bool) bool {
	if v == nil {
		return true
	}
	body, ok := c.root.FindNode(loop.Body)
	if !ok {
		return true
	}
	for id := range body.Preorder((*ast.Ident)(nil)) {
		if c.info.Uses[id.Node().(*ast.Ident)] != v {
			continue
		}
		if id.ParentEdgeKind() != edge.SelectorExpr_X || !passes(id.Parent().Node().(*ast.SelectorExpr).Sel.Name) {
			return true
		}
	}
	return false
}
