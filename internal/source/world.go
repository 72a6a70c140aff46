package source

import (
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/musterrun/muster/fingerprint"
)

// world is all that the go command listed, with the inside packages parsed and type-checked.
type world struct {
	golang
	env     goenv
	tags    []string
	fset    *token.FileSet
	all     map[string]*pkg
	ordered []*pkg // each after those that it imports
	inside  []*pkg // of ordered, those whose code is taken apart
	slots   chan struct{}
	forSSA  bool
}

// pkg is a package, inside or outside.
type pkg struct {
	*listed
	inside    bool
	framework bool // part of muster itself: a boundary, even where muster is the main module
	between   bool // outside, but imports the inside: its code can't be seen and calls code that can
	imports   []string
	files     []*ast.File
	detectors map[string]string
	types     *types.Package
	info      *types.Info
	err       error
	done      chan struct{} // closed when types, or err, is there
	parsed
}

// parsed is what is known about an inside package's code.
type parsed struct {
	units  []*unit
	byObj  map[types.Object]*unit
	main   *unit             // func main of package main
	links  map[string]string // //go:linkname: local name to the other
	sites  []site
	wanted map[string]bool // unexported methods that some interface of the package has
}

// load lists, parses and type-checks.
func load(ctx context.Context, c Config, g golang) (*world, error) {
	w := &world{
		golang: g, fset: token.NewFileSet(), all: map[string]*pkg{},
		slots: make(chan struct{}, runtime.GOMAXPROCS(0)), forSSA: c.forSSA,
	}
	if err := w.listAll(ctx, c); err != nil {
		return nil, err
	}
	w.classify()
	if err := w.read(ctx, c.FromSource); err != nil {
		return nil, err
	}
	return w, nil
}

// listAll asks the go command for its settings and for the packages.
func (w *world) listAll(ctx context.Context, c Config) error {
	var wg sync.WaitGroup
	var envErr error
	wg.Go(func() { w.env, envErr = w.golang.settings(ctx) })
	defer wg.Wait()
	args := []string{"-deps", listFields + ",Stale"}
	if c.FromSource {
		args[1] = listFields
	}
	if len(c.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(c.Tags, ","))
	}
	patterns := c.Patterns
	if !c.Alone { // whatever may be linked with a registered function may matter to it
		patterns = append([]string{"work"}, patterns...)
	}
	list, err := w.list(ctx, append(append(args, "--"), patterns...)...)
	if err != nil {
		return err
	}
	for _, l := range list {
		p := &pkg{listed: l, done: make(chan struct{})}
		w.all[l.ImportPath] = p
		w.ordered = append(w.ordered, p)
	}
	wg.Wait()
	if envErr != nil {
		return envErr
	}
	w.tags = c.Tags
	if inFlags, ok := w.env.flag("-tags"); ok && len(c.Tags) == 0 {
		w.tags = strings.Split(inFlags, ",")
	}
	return nil
}

// classify tells inside from outside.
func (w *world) classify() {
	w.markFramework()
	for _, p := range w.ordered {
		p.inside = p.Module.local() && !p.framework
		if p.inside {
			w.inside = append(w.inside, p)
			continue
		}
		if p.framework {
			continue
		}
		for _, path := range p.Imports {
			if q := w.all[p.resolve(path)]; q != nil && (q.inside || q.between) {
				p.between = true
			}
		}
	}
	for _, p := range w.inside {
		p.GoFiles = slices.DeleteFunc(p.GoFiles, func(f string) bool { return f == fingerprint.File })
	}
}

// markFramework marks package muster and what it imports in its own module.
func (w *world) markFramework() {
	for _, p := range slices.Backward(w.ordered) {
		switch p.ImportPath {
		case musterPath, musterPath + "/fingerprint":
			p.framework = true
		}
		if !p.framework || p.Module == nil {
			continue
		}
		for _, path := range p.Imports {
			if q := w.all[path]; q != nil && q.Module != nil && q.Module.Path == p.Module.Path {
				q.framework = true
			}
		}
	}
}

// trouble is the first error that the go command found in the package, if it matters here.
func (p *pkg) trouble() error {
	e := p.Error
	if e == nil || strings.Contains(e.Pos+e.Err, fingerprint.File) {
		return nil // what is wrong with a generated file is mended by generating it
	}
	if e.Pos == "" {
		return fmt.Errorf("load %s: %s", p.ImportPath, e.Err)
	}
	return fmt.Errorf("load %s: %s: %s", p.ImportPath, e.Pos, e.Err)
}

// insideOf is the inside package that an object belongs to, or nil.
func (w *world) insideOf(o types.Object) *pkg {
	if o.Pkg() == nil {
		return nil
	}
	if p := w.all[o.Pkg().Path()]; p != nil && p.inside {
		return p
	}
	return nil
}
