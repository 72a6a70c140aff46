package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
)

// owners yields the functions that run what stands at cur: the enclosing declaration, and each registered literal up to
// one that runs in another process.
func (c *code) owners(cur inspector.Cursor) func(yield func(*node) bool) {
	return func(yield func(*node) bool) {
		for e := range cur.Enclosing((*ast.FuncLit)(nil), (*ast.FuncDecl)(nil)) {
			n := c.nodeOf(e.Node())
			if n == nil {
				continue
			}
			t := c.taskOf(e.Node())
			if !yield(n) || t != nil && !t.local {
				return
			}
		}
	}
}

// innermost is the first of owners.
func (c *code) innermost(cur inspector.Cursor) (*node, bool) {
	for n := range c.owners(cur) {
		return n, true
	}
	return nil, false
}

func (c *code) taskOf(n ast.Node) *task {
	lit, ok := n.(*ast.FuncLit)
	if !ok {
		return nil
	}
	return c.lits[lit]
}

// nodeOf is the node of a declaration or of a registered literal; nil for any other literal.
func (c *code) nodeOf(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.FuncDecl:
		fn, _ := c.info.Defs[n.Name].(*types.Func)
		return c.nodes[fn]
	case *ast.FuncLit:
		if t := c.lits[n]; t != nil {
			for _, e := range t.root.calls {
				if e.lit != nil && e.lit.decl == ast.Node(n) {
					return e.lit
				}
			}
		}
	}
	return nil
}
