package source

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// read parses and type-checks the inside packages, while the go command finds export data for those outside.
func (w *world) read(ctx context.Context, fromSource bool) error {
	for _, p := range w.inside {
		if err := p.trouble(); err != nil {
			return err
		}
	}
	direct, cached := w.direct()
	outside := &importer{w: w, byPath: map[string]*types.Package{}}
	fromSource = fromSource || !cached
	var wg sync.WaitGroup
	for _, p := range w.ordered {
		switch {
		case p.inside:
			wg.Go(func() { w.parse(ctx, p, parser.ParseComments) })
		case p.between || fromSource:
			wg.Go(func() { w.parse(ctx, p, 0) })
		}
	}
	var err error
	if !fromSource {
		err = outside.find(ctx, direct, w.tags)
	}
	wg.Wait()
	if err != nil {
		return err
	}
	for _, p := range w.ordered {
		if p.inside || p.between || fromSource {
			wg.Go(func() { w.check(ctx, p, outside) })
		} else {
			close(p.done)
		}
	}
	wg.Wait()
	for _, p := range w.inside {
		if p.err != nil {
			return p.err
		}
	}
	return w.walkAll(ctx)
}

// fewStale is how many packages the go command may build for their export data: reading sources takes as long as
// building some of them.
const fewStale = 20

// direct are the packages outside that those read from source import, and whether the build cache has most of what
// they need.
func (w *world) direct() (paths []string, cached bool) {
	found := map[string]bool{}
	stale := 0
	for _, p := range w.ordered {
		if !p.inside && !p.between {
			if p.Stale {
				stale++
			}
			continue
		}
		for _, path := range p.Imports {
			path = p.resolve(path)
			if q := w.all[path]; q != nil && !q.inside && !q.between && path != "unsafe" && path != "C" {
				found[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), stale <= fewStale
}

// parse reads a package's files. The first error stands in p.err.
func (w *world) parse(ctx context.Context, p *pkg, mode parser.Mode) {
	w.slots <- struct{}{}
	defer func() { <-w.slots }()
	imports := map[string]bool{}
	p.detectors = map[string]string{}
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		if ctx.Err() != nil {
			p.err = ctx.Err()
			return
		}
		name = filepath.Join(p.Dir, name)
		src, err := os.ReadFile(name)
		if err != nil {
			p.err = fmt.Errorf("read %s: %w", p.ImportPath, err)
			return
		}
		f, err := parser.ParseFile(w.fset, name, src, mode|parser.SkipObjectResolution)
		if err != nil {
			p.err = fmt.Errorf("parse %s: %w", p.ImportPath, err)
			return
		}
		p.files = append(p.files, f)
		for _, i := range f.Imports {
			if path, err := strconv.Unquote(i.Path.Value); err == nil {
				imports[p.resolve(path)] = true
			}
		}
		if p.inside {
			detectorsIn(src, p.detectors)
		}
	}
	p.imports = slices.Sorted(maps.Keys(imports))
	if !p.inside {
		return
	}
	for _, name := range p.IgnoredGoFiles {
		if src, err := os.ReadFile(filepath.Join(p.Dir, name)); err == nil { // it isn't built: nothing to report
			detectorsIn(src, p.detectors)
		}
	}
}

// check type-checks a package when those that it imports are done, and takes it apart if it is inside.
func (w *world) check(ctx context.Context, p *pkg, outside *importer) {
	defer close(p.done)
	for _, path := range p.imports {
		if q := w.all[path]; q != nil && q != p {
			<-q.done
		}
	}
	w.slots <- struct{}{}
	defer func() { <-w.slots }()
	if p.err == nil {
		p.err = ctx.Err()
	}
	if p.err != nil || p.ImportPath == "unsafe" {
		return
	}
	first := error(nil)
	conf := types.Config{
		FakeImportC: true, IgnoreFuncBodies: !p.inside,
		Sizes:    types.SizesFor(build.Default.Compiler, w.env["GOARCH"]),
		Importer: importFunc(func(path string) (*types.Package, error) { return outside.get(p.resolve(path)) }),
		Error: func(err error) {
			if first == nil {
				first = err
			}
		},
	}
	if m := p.Module; m != nil && m.GoVersion != "" {
		conf.GoVersion = "go" + m.GoVersion
	}
	if p.inside {
		p.info = newInfo(p.files)
		if w.forSSA {
			p.info.Implicits, p.info.Scopes = map[ast.Node]types.Object{}, map[ast.Node]*types.Scope{}
			p.info.FileVersions = map[*ast.File]string{}
		}
	}
	p.types, _ = conf.Check(p.ImportPath, w.fset, p.files, p.info) // first is the error
	if !p.inside {
		p.files = nil
		return // what a body lacks doesn't matter
	}
	if first != nil {
		p.err = fmt.Errorf("type-check %s: %w", p.ImportPath, first)
		return
	}
	p.takeApart()
}

// newInfo has tables that needn't grow for code of usual density: that takes a good part of the time of checking.
func newInfo(files []*ast.File) *types.Info {
	size := 0
	for _, f := range files {
		size += int(f.FileEnd - f.FileStart)
	}
	return &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue, size/12), Defs: make(map[*ast.Ident]types.Object, size/100),
		Uses: make(map[*ast.Ident]types.Object, size/16), Selections: make(map[*ast.SelectorExpr]*types.Selection, size/70),
		Instances: map[*ast.Ident]types.Instance{},
	}
}

var errNotListed = errors.New("the go command doesn't list it")
