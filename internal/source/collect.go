package source

import (
	"context"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// takeApart makes the units of a package.
func (p *pkg) takeApart() {
	p.byObj, p.links, p.wanted = map[types.Object]*unit{}, map[string]string{}, map[string]bool{}
	for _, f := range p.files {
		p.collectLinks(f)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				p.collectFunc(d)
			case *ast.GenDecl:
				p.collectGen(d)
			}
		}
	}
	for name := range p.links {
		if u := p.byObj[p.types.Scope().Lookup(name)]; u != nil {
			u.troubles.add(u.node.Pos(), "go:linkname lets "+name+" be code of another package")
		}
	}
}

// walkAll finds the facts of all units, on all cores.
func (w *world) walkAll(ctx context.Context) error {
	var units []*unit
	for _, p := range w.inside {
		units = append(units, p.units...)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range cap(w.slots) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(units)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				newWalker(w, units[i]).walk()
			}
		})
	}
	wg.Wait()
	for _, u := range units {
		u.pkg.sites = append(u.pkg.sites, u.sites...)
		for _, name := range u.wants {
			u.pkg.wanted[name] = true
		}
	}
	return ctx.Err()
}

// collectLinks notes the linkname directives of a file.
func (p *pkg) collectLinks(f *ast.File) {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if !strings.HasPrefix(c.Text, "//go:linkname ") {
				continue
			}
			words := append(strings.Fields(c.Text), "")
			p.links[words[1]] = words[2]
		}
	}
}

func (p *pkg) add(key string, node ast.Node, objs ...types.Object) *unit {
	u := &unit{key: key, pkg: p, node: node}
	for _, o := range objs {
		if o != nil {
			p.byObj[o] = u
		}
	}
	p.units = append(p.units, u)
	return u
}

func (p *pkg) collectFunc(d *ast.FuncDecl) {
	if d.Recv == nil && d.Name.Name == "init" {
		p.collectInit(d)
		return
	}
	o, ok := p.info.Defs[d.Name].(*types.Func)
	if !ok {
		return
	}
	key := o.FullName()
	if d.Name.Name == "_" {
		return // it never runs
	}
	u := p.add(key, d, o)
	if d.Recv == nil && d.Name.Name == "main" && p.Name == "main" {
		p.main = u
	}
}

// collectInit makes a unit of each statement of an init function, so that a function that needs one of them doesn't
// depend on all. One whose statements depend on each other stays whole.
func (p *pkg) collectInit(d *ast.FuncDecl) {
	if d.Body == nil {
		return
	}
	if !separable(d.Body) {
		p.add("", d).isInit = true
		return
	}
	for _, s := range d.Body.List {
		u := p.add("", s)
		u.isInit, u.outer = true, d
	}
}

// separable reports whether the statements of a body share neither locals nor ways out.
func separable(body *ast.BlockStmt) bool {
	ok := true
	for _, s := range body.List {
		switch s := s.(type) {
		case *ast.DeclStmt, *ast.LabeledStmt:
			return false
		case *ast.AssignStmt:
			ok = ok && s.Tok != token.DEFINE
		}
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt, *ast.DeferStmt:
				ok = false
			case *ast.BranchStmt:
				ok = ok && n.Tok != token.GOTO
			}
			return ok
		})
	}
	return ok
}

func (p *pkg) collectGen(d *ast.GenDecl) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.Name != "_" {
				p.add(p.ImportPath+"."+s.Name.Name, s, p.info.Defs[s.Name])
			}
		case *ast.ValueSpec:
			if d.Tok == token.VAR {
				p.collectVars(d, s)
			}
		}
	}
}

// collectVars makes a unit of each variable, or of all that one call initialises.
func (p *pkg) collectVars(d *ast.GenDecl, s *ast.ValueSpec) {
	embeds := append(embedPatterns(s.Doc), embedPatterns(d.Doc)...)
	if len(s.Names) > 1 && len(s.Values) == 1 {
		var names []string
		var objs []types.Object
		for _, n := range s.Names {
			names = append(names, n.Name)
			objs = append(objs, p.info.Defs[n])
		}
		p.add(p.ImportPath+"."+strings.Join(names, ","), s, objs...).isInit = true
		return
	}
	for i, n := range s.Names {
		one := &ast.ValueSpec{Names: s.Names[i : i+1], Type: s.Type}
		if len(s.Values) > 0 {
			one.Values = s.Values[i : i+1]
		}
		key := p.ImportPath + "." + n.Name
		if n.Name == "_" {
			key = ""
		}
		u := p.add(key, one, p.info.Defs[n])
		u.isInit, u.embeds = len(one.Values) > 0, embeds
	}
}

// embedPatterns are those of a doc comment's go:embed directives.
func embedPatterns(doc *ast.CommentGroup) []string {
	if doc == nil {
		return nil
	}
	var patterns []string
	for _, c := range doc.List {
		rest, ok := strings.CutPrefix(c.Text, "//go:embed ")
		for rest = strings.TrimSpace(rest); ok && rest != ""; rest = strings.TrimSpace(rest) {
			word, after, _ := strings.Cut(rest, " ")
			if q, err := strconv.QuotedPrefix(rest); err == nil {
				word, _ = strconv.Unquote(q) // a quoted prefix is one
				after = rest[len(q):]
			}
			patterns = append(patterns, word)
			rest = after
		}
	}
	return patterns
}
