package vet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"
)

// Finding is what a check has found.
type Finding struct {
	File    string `json:"file"` // relative to the folder that Run was given, if it lies in it
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Check   string `json:"check"`
	Message string `json:"message"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s (%s)", f.File, f.Line, f.Col, f.Message, f.Check)
}

// Run checks the packages that the patterns match in dir, with their tests, and writes a line for each finding to w, or
// with asJSON one array of them. It returns how many there are. Packages that don't compile, or that don't exist, are an
// error. It runs the go command, which compiles the dependencies if it hasn't yet.
func Run(ctx context.Context, dir string, patterns []string, w io.Writer, asJSON bool) (findings int, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, err
	}
	if _, err := os.Stat(dir); err != nil {
		return 0, fmt.Errorf("muster vet: %w", err)
	}
	pkgs, err := load(ctx, dir, patterns)
	if err != nil {
		return 0, err
	}
	graph, err := checker.Analyze(Analyzers, pkgs, nil)
	if err != nil {
		return 0, fmt.Errorf("muster vet: %w", err)
	}
	found, err := collect(graph, dir)
	if err != nil {
		return 0, err
	}
	return len(found), write(w, found, asJSON)
}

// load loads the matched packages from source, and those of the main module that they depend on: Facts reads these too.
// Of all others the types are enough.
func load(ctx context.Context, dir string, patterns []string) ([]*packages.Package, error) {
	cfg := &packages.Config{Mode: packages.LoadSyntax | packages.NeedModule, Context: ctx, Dir: dir, Tests: true}
	pkgs, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, fmt.Errorf("muster vet: load packages: %w", err)
	}
	matched := map[string]bool{}
	for _, p := range pkgs {
		matched[p.ID] = true
	}
	if more := unread(pkgs); len(more) > 0 {
		if pkgs, err = packages.Load(cfg, append(slices.Clone(patterns), more...)...); err != nil {
			return nil, fmt.Errorf("muster vet: load packages: %w", err)
		}
		pkgs = slices.DeleteFunc(pkgs, func(p *packages.Package) bool { return !matched[p.ID] })
	}
	return pkgs, failures(pkgs)
}

// unread are the packages of the main module that were loaded without source.
func unread(pkgs []*packages.Package) (paths []string) {
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if p.Module != nil && p.Module.Main && p.Syntax == nil && len(p.GoFiles) > 0 {
			paths = append(paths, p.PkgPath)
		}
	})
	return paths
}

// failures are the packages' errors, each once.
func failures(pkgs []*packages.Package) error {
	var errs []error
	seen := map[string]bool{}
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			if text := strings.TrimPrefix(e.Error(), "-: "); !seen[text] { // no place
				seen[text] = true
				errs = append(errs, errors.New(text))
			}
		}
	})
	if len(errs) == 0 && len(pkgs) == 0 {
		return errors.New("muster vet: no packages match")
	}
	return errors.Join(errs...)
}

// collect gathers the findings, in the order of their places. A file belongs to a package and to its tests' variant, so
// a finding may come twice.
func collect(graph *checker.Graph, dir string) ([]Finding, error) {
	var found []Finding
	var errs []error
	for _, act := range graph.Roots {
		if act.Err != nil {
			errs = append(errs, fmt.Errorf("muster vet: %s of %s: %w", act.Analyzer.Name, act.Package.PkgPath, act.Err))
		}
		for _, d := range act.Diagnostics {
			p := act.Package.Fset.Position(d.Pos)
			if rel, err := filepath.Rel(dir, p.Filename); err == nil && !strings.HasPrefix(rel, "..") {
				p.Filename = rel
			}
			found = append(found, Finding{p.Filename, p.Line, p.Column, act.Analyzer.Name, d.Message})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Col-b.Col, strings.Compare(a.Check, b.Check),
			strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(found), errors.Join(errs...)
}

func write(w io.Writer, found []Finding, asJSON bool) error {
	if asJSON {
		if found == nil {
			found = []Finding{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "\t")
		enc.SetEscapeHTML(false)
		return enc.Encode(found)
	}
	for _, f := range found {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	return nil
}
