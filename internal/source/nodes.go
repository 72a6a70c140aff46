package source

import (
	"fmt"
	"go/ast"
	"strings"
)

// attributes writes what a node has beside its children: operators, and which of the optional children are there.
func (v *walker) attributes(n ast.Node) {
	switch x := n.(type) {
	case *ast.BasicLit:
		v.say(x.Value)
	case *ast.BinaryExpr:
		v.say(x.Op)
	case *ast.UnaryExpr:
		v.say(x.Op)
	case *ast.AssignStmt:
		v.say(x.Tok, len(x.Lhs))
	case *ast.IncDecStmt:
		v.say(x.Tok)
	case *ast.BranchStmt:
		v.say(x.Tok, x.Label != nil)
	case *ast.GenDecl:
		v.say(x.Tok)
	case *ast.ChanType:
		v.say(int(x.Dir))
	case *ast.CallExpr:
		v.say(x.Ellipsis.IsValid(), len(x.Args))
	case *ast.SliceExpr:
		v.say(x.Low != nil, x.High != nil, x.Max != nil)
	case *ast.ArrayType:
		v.say(x.Len != nil)
	case *ast.CompositeLit:
		v.say(x.Type != nil, len(x.Elts))
	case *ast.TypeAssertExpr:
		v.say(x.Type != nil)
	case *ast.FuncType:
		v.say(x.TypeParams != nil, x.Results != nil)
	case *ast.TypeSpec:
		v.say(x.Assign.IsValid(), x.TypeParams != nil)
	case *ast.ValueSpec:
		v.say(len(x.Names), x.Type != nil, len(x.Values))
	case *ast.FuncDecl:
		v.say(x.Recv != nil, x.Body != nil)
		v.directives(x.Doc)
	default:
		v.statement(n)
	}
}

func (v *walker) statement(n ast.Node) {
	switch x := n.(type) {
	case *ast.RangeStmt:
		v.say(x.Tok, x.Key != nil, x.Value != nil)
	case *ast.ForStmt:
		v.say(x.Init != nil, x.Cond != nil, x.Post != nil)
	case *ast.IfStmt:
		v.say(x.Init != nil, x.Else != nil)
	case *ast.SwitchStmt:
		v.say(x.Init != nil, x.Tag != nil)
	case *ast.TypeSwitchStmt:
		v.say(x.Init != nil)
	case *ast.CaseClause:
		v.say(x.List == nil, len(x.List))
	case *ast.CommClause:
		v.say(x.Comm != nil)
	}
}

func (v *walker) say(attributes ...any) {
	for _, a := range attributes {
		fmt.Fprint(&v.b, a, " ")
	}
}

// directives writes the go: lines of a doc comment; the rest of it is for readers.
func (v *walker) directives(doc *ast.CommentGroup) {
	if doc == nil {
		return
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:") && !strings.HasPrefix(c.Text, "//go:generate") {
			v.say(c.Text)
		}
	}
}
