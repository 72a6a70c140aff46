package vet

import (
	"go/ast"
	"go/types"
	"strconv"

	"golang.org/x/tools/go/ast/inspector"
)

// findTasks finds the calls of registrars, the literals that they register, and the variables that hold the result.
func (c *code) findTasks() {
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		api := apiOf(c.info, call)
		r, ok := registrars[api]
		if !ok || argument(call, r.fn) == nil {
			continue
		}
		t := &task{call: call, local: api == "Local", fn: call.Args[r.fn], root: &node{}}
		t.name = nameOf(c.info, argument(call, r.name))
		c.byCall[call] = t
		c.tasks = append(c.tasks, t)
		for _, fn := range c.runs(t.fn) {
			if lit, ok := fn.(*ast.FuncLit); ok && c.lits[lit] == nil {
				c.lits[lit] = t
				t.root.calls = append(t.root.calls, link{lit: &node{decl: lit}, pos: lit.Pos()})
			}
		}
	}
	for changed := true; changed; {
		changed = false
		c.eachBinding(func(to *types.Var, from ast.Expr) {
			if t := c.madeBy(from); t != nil && c.holds[to] == nil {
				c.holds[to] = t
				changed = true
			}
		})
	}
}

// nameOf is a task's name as it is written.
func nameOf(info *types.Info, e ast.Expr) string {
	if e == nil {
		return ""
	}
	if v := info.Types[e].Value; v != nil {
		return v.ExactString()
	}
	return types.ExprString(e)
}

// copies are the methods that give a changed copy of a Function.
var copies = map[string]bool{"Function.With": true, "Function.Weight": true, "Function.CacheKey": true, "Function.CacheValid": true}

// madeBy is the task of an expression such as Func(...).With(...), or of a variable that holds one, or nil.
func (c *code) madeBy(e ast.Expr) *task {
	if v := variable(c.info, e); v != nil {
		return c.holds[v]
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	if t := c.byCall[call]; t != nil {
		return t
	}
	if copies[apiOf(c.info, call)] {
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			return c.madeBy(sel.X)
		}
	}
	return nil
}

// runs are the functions that run as the task of an expression passed to a registrar: literals, and names of functions.
func (c *code) runs(e ast.Expr) []ast.Expr {
	switch x := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return []ast.Expr{x}
	case *ast.CallExpr:
		var all []ast.Expr
		if fn := function(c.info, x.Fun); !adapters[apiName(fn)] {
			all = append(all, x.Fun) // it makes the function, so it may have the literal
		}
		for _, arg := range x.Args {
			if _, ok := c.info.TypeOf(arg).Underlying().(*types.Signature); ok {
				all = append(all, c.runs(arg)...)
			}
		}
		return all
	}
	if v := variable(c.info, e); v != nil {
		if lit := c.onlyLiteral(v); lit != nil {
			return []ast.Expr{lit}
		}
	}
	return []ast.Expr{e}
}

// onlyLiteral is the literal that a variable is set to, if it is set once.
func (c *code) onlyLiteral(v *types.Var) (lit *ast.FuncLit) {
	n := 0
	c.eachBinding(func(to *types.Var, from ast.Expr) {
		if to == v {
			n++
			lit, _ = ast.Unparen(from).(*ast.FuncLit)
		}
	})
	if n != 1 {
		return nil
	}
	return lit
}

// eachBinding tells of each assignment of one expression to one variable.
func (c *code) eachBinding(tell func(to *types.Var, from ast.Expr)) {
	for cur := range c.root.Preorder((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil)) {
		switch s := cur.Node().(type) {
		case *ast.AssignStmt:
			if len(s.Lhs) != len(s.Rhs) {
				continue
			}
			for i, lhs := range s.Lhs {
				if v := variable(c.info, lhs); v != nil {
					tell(v, s.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			if len(s.Names) != len(s.Values) {
				continue
			}
			for i, name := range s.Names {
				if v, ok := c.info.Defs[name].(*types.Var); ok {
					tell(v, s.Values[i])
				}
			}
		}
	}
}

// resolveTasks enters the functions that tasks and Main run by name.
func (c *code) resolveTasks() {
	for _, t := range c.tasks {
		c.enter(t.root, t.fn)
	}
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if api := apiOf(c.info, call); (api == "Main" || api == "Config.Main") && len(call.Args) == 1 && !c.inTest(call.Pos()) {
			n := &node{}
			c.enter(n, call.Args[0])
			c.enterLiteral(n, cur)
			c.mains = append(c.mains, n)
		}
	}
}

func (c *code) enter(n *node, e ast.Expr) {
	for _, r := range c.runs(e) {
		if fn := function(c.info, r); fn != nil {
			n.calls = append(n.calls, link{fn: fn, pos: r.Pos()})
		}
	}
}

// enterLiteral gives a literal passed to Main a node, as if it were a task that stays in its process.
func (c *code) enterLiteral(n *node, call inspector.Cursor) {
	for _, r := range c.runs(call.Node().(*ast.CallExpr).Args[0]) {
		if lit, ok := r.(*ast.FuncLit); ok && c.lits[lit] == nil {
			c.lits[lit] = &task{name: strconv.Quote("Main"), local: true, root: n, fn: lit}
			n.calls = append(n.calls, link{lit: &node{decl: lit}, pos: lit.Pos()})
		}
	}
}
