package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
)

// code is what is known about the package of a pass: the result of Facts.
type code struct {
	pass     *analysis.Pass
	info     *types.Info
	root     inspector.Cursor
	mu       sync.Mutex              // guards inMain
	inMain   map[*types.Package]bool // own packages: those with facts
	nodes    map[*types.Func]*node
	lits     map[*ast.FuncLit]*task // literals that are registered
	tasks    []*task
	byCall   map[*ast.CallExpr]*task
	holds    map[types.Object]*task // the variables that hold a Function of muster's
	mains    []*node                // what Main runs
	params   map[*types.Var]bool    // of declared functions
	flags    map[*types.Var]bool    // package variables that hold flags of the command line
	passings []passing
	origins  *origins
	regs     map[*types.Func]registers
	shared   Package
}

// node is a function: a declaration, or a literal that is registered.
type node struct {
	fn      *types.Func // nil for a literal
	decl    ast.Node
	calls   []link
	uses    []access
	acts    []act
	starts  bool // it calls what works only while tasks run
	mutates uint64
}

// link is a call of a function, or that its name is passed on.
type link struct {
	fn  *types.Func
	lit *node // instead
	pos token.Pos
}

// act is an Act at its place.
type act struct {
	Act
	pos token.Pos
}

// task is a function that is registered, under a name or as Local.
type task struct {
	name  string // quoted, or the function's own
	local bool
	call  *ast.CallExpr
	fn    ast.Expr // the function that is registered
	root  *node    // calls what runs as the task
}

func (t *task) String() string {
	if t.local {
		return "a Local function"
	}
	return "Func " + t.name
}

// read reads the package of a pass. For packages outside of the main module the result is empty.
func read(pass *analysis.Pass) *code {
	c := &code{
		pass: pass, info: pass.TypesInfo,
		inMain: map[*types.Package]bool{pass.Pkg: true},
		nodes:  map[*types.Func]*node{}, lits: map[*ast.FuncLit]*task{}, holds: map[types.Object]*task{}, byCall: map[*ast.CallExpr]*task{},
		params: map[*types.Var]bool{}, flags: map[*types.Var]bool{},
		origins: &origins{of: map[types.Object]origin{}}, regs: map[*types.Func]registers{},
	}
	if !inMainModule(pass) || len(pass.Files) == 0 {
		return c
	}
	c.root = pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	c.findTasks()
	c.findFlags()
	c.origins.trace(c)
	c.registrations()
	c.fill()
	c.share()
	c.export()
	return c
}

// fill makes the nodes and enters what the functions do.
func (c *code) fill() {
	for cur := range c.root.Preorder((*ast.FuncDecl)(nil)) {
		decl := cur.Node().(*ast.FuncDecl)
		if fn, ok := c.info.Defs[decl.Name].(*types.Func); ok {
			c.nodes[fn] = &node{fn: fn, decl: decl}
			c.params[fn.Signature().Recv()] = true
			for p := range fn.Signature().Params().Variables() {
				c.params[p] = true
			}
		}
	}
	c.resolveTasks()
	for cur := range c.root.Preorder((*ast.Ident)(nil)) {
		c.mention(cur)
	}
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		c.called(cur)
	}
	c.spreadMutations()
}

// mention enters the use of a name: of a function that may be called, or of a variable.
func (c *code) mention(cur inspector.Cursor) {
	id := cur.Node().(*ast.Ident)
	switch obj := c.info.Uses[id].(type) {
	case *types.Func:
		fn := function(c.info, id)
		if fn == nil || !c.own(fn.Pkg()) {
			return
		}
		for n := range c.owners(cur) {
			n.calls = append(n.calls, link{fn: fn, pos: id.Pos()})
		}
	case *types.Var:
		if isGlobal(obj) && c.own(obj.Pkg()) || c.params[obj] {
			c.variableUsed(cur, obj)
		}
		c.commandLineRead(cur, obj)
	}
}

// called enters what a call means beyond the function that it names.
func (c *code) called(cur inspector.Cursor) {
	call := cur.Node().(*ast.CallExpr)
	if a, ok := c.actOf(cur, call); ok {
		for n := range c.owners(cur) {
			n.acts = append(n.acts, a)
		}
	}
	if qualified := fullName(c.info, call); qualified == "flag.Parse" || qualified == "(*flag.FlagSet).Parse" {
		c.parsed(cur)
	}
	if !starts(c.info, call) {
		return
	}
	for n := range c.owners(cur) {
		n.starts = true
	}
	if n, ok := c.innermost(cur); ok {
		if what := c.foreign(n, call.Args[0]); what != "" {
			n.acts = append(n.acts, act{Act{Context, what, c.where(call.Pos())}, call.Args[0].Pos()})
		}
	}
}

// own reports whether a package belongs to the main module.
func (c *code) own(pkg *types.Package) bool {
	if pkg == nil {
		return false
	}
	c.mu.Lock() // checks run at the same time
	defer c.mu.Unlock()
	own, known := c.inMain[pkg]
	if !known {
		own = c.pass.ImportPackageFact(pkg, new(Package))
		c.inMain[pkg] = own
	}
	return own
}

// where is a place as facts and messages have it: the package's path, the file and the line.
func (c *code) where(pos token.Pos) string {
	p := c.pass.Fset.Position(pos)
	return fmt.Sprintf("%s/%s:%d", c.pass.Pkg.Path(), filepath.Base(p.Filename), p.Line)
}

// near is a place without the package's path if that is this package.
func (c *code) near(where string) string { return strings.TrimPrefix(where, c.pass.Pkg.Path()+"/") }

func (c *code) inTest(pos token.Pos) bool {
	return strings.HasSuffix(c.pass.Fset.Position(pos).Filename, "_test.go")
}
