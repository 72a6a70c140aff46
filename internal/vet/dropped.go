package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

var dropped = check("dropped", `find results of With, Go and the like that nobody holds

	Resize.With(muster.Retries(3)) // bad: With gives a copy, Resize itself doesn't change
	Resize.Go(ctx, img)            // bad: its error is lost
	Resize.Map(ctx, imgs)          // bad: nothing runs before the range

Keep the copy, call Get or Wait on the Ref, range over the sequence. Write "_ = Resize.Go(ctx, img)" for a task whose
outcome doesn't matter. Tests may start tasks and leave them.`, checkDropped)

func checkDropped(pass *analysis.Pass, c *code) {
	for cur := range c.root.Preorder((*ast.ExprStmt)(nil), (*ast.GoStmt)(nil), (*ast.DeferStmt)(nil)) {
		var call *ast.CallExpr
		switch s := cur.Node().(type) {
		case *ast.ExprStmt:
			call, _ = ast.Unparen(s.X).(*ast.CallExpr)
		case *ast.GoStmt:
			call = s.Call
		case *ast.DeferStmt:
			call = s.Call
		}
		if call == nil {
			continue
		}
		if why := c.whyKeep(call); why != "" && !c.provoked(cur) {
			pass.Reportf(call.Pos(), "the result of %s is dropped: %s", method(apiOf(c.info, call)), why)
		}
	}
}

// whyKeep says why a call's result mustn't be dropped; "" if it may.
func (c *code) whyKeep(call *ast.CallExpr) string {
	name := apiOf(c.info, call)
	switch {
	case name == "":
		return ""
	case copies[name]:
		return "it is a changed copy, and the function itself stays as it is; use the copy"
	}
	switch name {
	case "Lazy", "Session.Context":
		return "only calls made with the context that it gives are affected; use that one"
	case "Local":
		return "nothing else can call the function; keep it in a variable"
	}
	t := c.info.TypeOf(call)
	switch {
	case isRef(t):
		if c.inTest(call.Pos()) {
			return ""
		}
		return "the task's error is lost with it; call Get or Wait, or assign it to _ if the outcome doesn't matter"
	case isSeq(t):
		return "nothing runs before it is ranged over; range over it"
	case isAPIType(t, "Option"):
		return "an option has an effect only where it is passed; pass it to Func, Local or With"
	}
	return ""
}

// provoked reports whether a statement is all that a literal of a test does: a test that the call panics.
func (c *code) provoked(stmt inspector.Cursor) bool {
	body, ok := stmt.Parent().Node().(*ast.BlockStmt)
	return ok && len(body.List) == 1 && stmt.Parent().ParentEdgeKind() == edge.FuncLit_Body && c.inTest(body.Pos())
}

// isRef reports whether t is a Ref or a slice of them.
func isRef(t types.Type) bool {
	if s, ok := t.Underlying().(*types.Slice); ok {
		t = s.Elem()
	}
	return isAPIType(t, "Ref")
}

// isSeq reports whether t is an iter.Seq or iter.Seq2.
func isSeq(t types.Type) bool {
	named := namedOf(t)
	return named != nil && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "iter"
}
