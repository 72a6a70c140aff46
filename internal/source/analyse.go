package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/blake3"

	"github.com/musterrun/muster/fingerprint"
)

// Analyse computes the fingerprints of all functions that the packages register. It runs the go command, which may
// use the network if modules are missing, and reads sources; it writes nothing but what the go command keeps in the
// build cache. An error is for packages that can't be loaded or don't compile; what can't be seen through is a Warning.
func Analyse(ctx context.Context, c Config) (*Module, error) {
	return analyse(ctx, c, golang{dir: c.Dir, env: c.Env, run: command})
}

func analyse(ctx context.Context, c Config, g golang) (*Module, error) {
	w, err := load(ctx, c, g)
	if err != nil {
		return nil, fmt.Errorf("analyse sources: %w", err)
	}
	a := &analysis{graph: newGraph(w), reached: map[*pkg]*extent{}, warned: map[trouble][]string{}}
	m := &Module{settings: w.recorded()}
	for _, p := range w.inside {
		found, warnings := a.registrations(p)
		m.Warnings = append(m.Warnings, warnings...)
		for _, r := range found {
			f, err := a.function(r)
			if err != nil {
				return nil, fmt.Errorf("analyse sources: %w", err)
			}
			m.Functions = append(m.Functions, f)
		}
	}
	slices.SortFunc(m.Functions, func(a, b Function) int {
		return cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(a.Name, b.Name), a.Position.Offset-b.Position.Offset)
	})
	m.Warnings = append(m.Warnings, a.warnings()...)
	slices.SortFunc(m.Warnings, func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.Position.Filename, b.Position.Filename), a.Position.Offset-b.Position.Offset)
	})
	if m.packages, err = a.packages(); err != nil {
		return nil, fmt.Errorf("analyse sources: %w", err)
	}
	m.stray = a.stray()
	return m, nil
}

// analysis is the state of one call of Analyse.
type analysis struct {
	*graph
	reached map[*pkg]*extent
	warned  map[trouble][]string // the functions that meet each
}

// extent is what is reached of a package.
type extent struct {
	embeds map[string]bool
	asm    bool
}

// recorded are the settings that generated files carry.
func (w *world) recorded() map[string]string {
	s := w.env.recorded(w.tags)
	var main []string
	for _, p := range w.inside {
		for flag := range p.detectors {
			s[flag] = ""
		}
		if m := p.Module; m.Main && !slices.Contains(main, m.Path) {
			main = append(main, m.Path)
		}
	}
	slices.Sort(main)
	s[fingerprint.MainModules] = strings.Join(main, ",")
	return s
}

// dependency is a unit that counts: its key, its hash and its distance.
type dependency struct {
	key   string
	sum   [32]byte
	depth int
}

// function computes one function's fingerprint.
func (a *analysis) function(r *registration) (Function, error) {
	f := Function{Name: r.name, Package: r.pkg.ImportPath, Position: a.fset.Position(r.site.call.Pos())}
	reached := a.from(r.pkg, r.roots)
	reached.troubles = append(reached.troubles, r.troubles...)
	a.global(reached)
	if len(reached.troubles) > 0 {
		f.opaque = reached.troubles[0].text
		for _, t := range reached.troubles {
			if !slices.Contains(a.warned[t], f.Name) {
				a.warned[t] = append(a.warned[t], f.Name)
			}
		}
		return f, nil
	}
	deps, err := reached.dependencies()
	if err != nil {
		return f, err
	}
	f.Fingerprint = hashAll(deps)
	for _, d := range deps {
		f.Units = append(f.Units, fingerprint.Unit{Key: d.key, Hash: [8]byte(d.sum[:8]), Depth: d.depth})
	}
	slices.SortFunc(f.Units, func(a, b fingerprint.Unit) int {
		return cmp.Or(a.Depth-b.Depth, strings.Compare(a.Key, b.Key))
	})
	for _, path := range sortedKeys(reached.modules) {
		f.Modules = append(f.Modules, fingerprint.Version{Path: path, Version: reached.modules[path]})
	}
	f.Packages = a.take(reached)
	if f.Open = reached.open(); f.Open {
		f.Guards = a.guards(reached)
	}
	return f, nil
}

// global adds what concerns all code of the packages.
func (a *analysis) global(r *reach) {
	seen := map[*pkg]bool{}
	for n := range r.depth {
		if n.unit == nil || seen[n.unit.pkg] {
			continue
		}
		p := n.unit.pkg
		seen[p] = true
		if name := p.irregular(); name != "" {
			r.troubles.add(p.files[0].Package, name+" in "+p.ImportPath+" can't be embedded: it isn't a regular file")
		}
		for pattern := range a.embedsOf(r, p) {
			for _, name := range embedded(pattern, p.EmbedFiles) {
				if !fingerprint.Counted(name) {
					r.troubles.add(p.files[0].Package, "a go:embed in "+p.ImportPath+" takes in "+name)
				}
			}
		}
	}
	if _, has := a.env.flag("-overlay"); has {
		r.troubles.add(0, "-overlay in GOFLAGS replaces sources")
	}
}

// embedsOf are the go:embed patterns of a package that a function reaches.
func (a *analysis) embedsOf(r *reach, p *pkg) map[string]bool {
	patterns := map[string]bool{}
	for n := range r.depth {
		if n.unit != nil && n.unit.pkg == p {
			for _, pattern := range n.unit.embeds {
				patterns[pattern] = true
			}
		}
	}
	return patterns
}

// take notes which packages a function reaches, and how.
func (a *analysis) take(r *reach) (paths []string) {
	seen := map[string]bool{}
	for n := range r.depth {
		if n.unit == nil {
			continue
		}
		p := n.unit.pkg
		seen[p.ImportPath] = true
		e := a.reached[p]
		if e == nil {
			e = &extent{embeds: map[string]bool{}}
			a.reached[p] = e
		}
		e.asm = e.asm || n.unit.asm
		for _, pattern := range n.unit.embeds {
			e.embeds[pattern] = true
		}
	}
	return sortedKeys(seen)
}

// guards are the packages that may be linked with a function and that it doesn't reach.
func (a *analysis) guards(r *reach) (paths []string) {
	for _, p := range a.inside {
		if !r.linked[p] || r.reaches(p) {
			continue
		}
		paths = append(paths, p.ImportPath)
		if a.reached[p] == nil {
			a.reached[p] = &extent{embeds: map[string]bool{}}
		}
	}
	slices.Sort(paths)
	return paths
}

// hashAll makes a fingerprint of all that counts.
func hashAll(deps []dependency) string {
	slices.SortFunc(deps, func(a, b dependency) int {
		return cmp.Or(strings.Compare(a.key, b.key), bytes.Compare(a.sum[:], b.sum[:]))
	})
	h := blake3.New()
	_, _ = fmt.Fprintf(h, "muster fingerprint %d\n", fingerprint.Schema) // a hash never fails
	for _, d := range deps {
		_, _ = fmt.Fprintf(h, "%q %x\n", d.key, d.sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (a *analysis) warnings() (list []Warning) {
	for t, functions := range a.warned {
		slices.Sort(functions)
		list = append(list, Warning{Position: a.fset.Position(t.pos), Text: t.text, Functions: functions})
	}
	return list
}
