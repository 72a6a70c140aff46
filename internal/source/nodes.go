package source

import (
	"go/ast"
	"strconv"
	"strings"
)

// attributes writes what a node has beside its children: operators, and which of the optional children are there.
func (v *walker) attributes(n ast.Node) {
	switch x := n.(type) {
	case *ast.BasicLit:
		v.word(x.Value)
	case *ast.BinaryExpr:
		v.word(x.Op.String())
	case *ast.UnaryExpr:
		v.word(x.Op.String())
	case *ast.AssignStmt:
		v.word(x.Tok.String())
		v.number(len(x.Lhs))
	case *ast.IncDecStmt:
		v.word(x.Tok.String())
	case *ast.BranchStmt:
		v.word(x.Tok.String())
		v.flags(x.Label != nil)
	case *ast.GenDecl:
		v.word(x.Tok.String())
	case *ast.ChanType:
		v.number(int(x.Dir))
	case *ast.CallExpr:
		v.flags(x.Ellipsis.IsValid())
		v.number(len(x.Args))
	case *ast.SliceExpr:
		v.flags(x.Low != nil, x.High != nil, x.Max != nil)
	case *ast.ArrayType:
		v.flags(x.Len != nil)
	case *ast.CompositeLit:
		v.flags(x.Type != nil)
		v.number(len(x.Elts))
	case *ast.TypeAssertExpr:
		v.flags(x.Type != nil)
	case *ast.FuncType:
		v.flags(x.TypeParams != nil, x.Results != nil)
	case *ast.TypeSpec:
		v.flags(x.Assign.IsValid(), x.TypeParams != nil)
	case *ast.ValueSpec:
		v.flags(x.Type != nil)
		v.number(len(x.Names))
		v.number(len(x.Values))
	case *ast.FuncDecl:
		v.flags(x.Recv != nil, x.Body != nil)
		v.directives(x.Doc)
		if x.Body == nil {
			v.assembly(x)
		}
	default:
		v.statement(n)
	}
}

func (v *walker) statement(n ast.Node) {
	switch x := n.(type) {
	case *ast.RangeStmt:
		v.word(x.Tok.String())
		v.flags(x.Key != nil, x.Value != nil)
	case *ast.ForStmt:
		v.flags(x.Init != nil, x.Cond != nil, x.Post != nil)
	case *ast.IfStmt:
		v.flags(x.Init != nil, x.Else != nil)
	case *ast.SwitchStmt:
		v.flags(x.Init != nil, x.Tag != nil)
	case *ast.TypeSwitchStmt:
		v.flags(x.Init != nil)
	case *ast.CaseClause:
		v.flags(x.List == nil)
		v.number(len(x.List))
	case *ast.CommClause:
		v.flags(x.Comm != nil)
	}
}

// word, number and flags append to the text, each with a space after it.
func (v *walker) word(s string) { v.b = append(append(v.b, s...), ' ') }

func (v *walker) number(n int) { v.b = append(strconv.AppendInt(v.b, int64(n), 10), ' ') }

func (v *walker) flags(flags ...bool) {
	for _, f := range flags {
		if f {
			v.b = append(v.b, '1')
		} else {
			v.b = append(v.b, '0')
		}
	}
	v.b = append(v.b, ' ')
}

// directives writes the go: lines of a doc comment; the rest of it is for readers.
func (v *walker) directives(doc *ast.CommentGroup) {
	if doc == nil {
		return
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:") && !strings.HasPrefix(c.Text, "//go:generate") {
			v.word(c.Text)
		}
	}
}
