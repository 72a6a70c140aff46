package main

import (
	"context"
	"maps"
)

// Stats is what was found in some files.
type Stats struct {
	Files, Bytes, Lines, Funcs int
	Packages                   map[string]Package // by folder
	Imports                    map[string]int     // how many files import a package
	Idents                     map[string]int     // how often an identifier stands in the source
	Unparsed                   []Unparsed
}

// Package is what was found in one folder.
type Package struct {
	Files, Lines, Funcs int
	Longest             Function
}

// Function is a function's name and length.
type Function struct {
	Name  string
	Lines int
}

// Unparsed is a file that isn't valid Go.
type Unparsed struct {
	Path string
	Why  string
}

func newStats() Stats {
	return Stats{Packages: map[string]Package{}, Imports: map[string]int{}, Idents: map[string]int{}}
}

// merge adds up parts, which it leaves as they are: other tasks may hold them too.
func merge(_ context.Context, parts []Stats) (Stats, error) {
	largest := 0
	for i, p := range parts {
		if len(p.Idents) > len(parts[largest].Idents) {
			largest = i
		}
	}
	sum := newStats()
	if len(parts) > 0 {
		sum.Idents = maps.Clone(parts[largest].Idents)
	}
	for i, p := range parts {
		sum.add(p, i != largest)
	}
	return sum, nil
}

// add adds p, its identifiers only if asked to.
func (s *Stats) add(p Stats, idents bool) {
	s.Files += p.Files
	s.Bytes += p.Bytes
	s.Lines += p.Lines
	s.Funcs += p.Funcs
	s.Unparsed = append(s.Unparsed, p.Unparsed...)
	for dir, pkg := range p.Packages {
		s.Packages[dir] = s.Packages[dir].plus(pkg)
	}
	for path, n := range p.Imports {
		s.Imports[path] += n
	}
	if !idents {
		return
	}
	for name, n := range p.Idents {
		s.Idents[name] += n
	}
}

func (a Package) plus(b Package) Package {
	return Package{a.Files + b.Files, a.Lines + b.Lines, a.Funcs + b.Funcs, longer(a.Longest, b.Longest)}
}

// longer is the longer function; of equal ones the one whose name comes first, so that the order of merges is no matter.
func longer(a, b Function) Function {
	if a.Lines > b.Lines || a.Lines == b.Lines && a.Name != "" && a.Name < b.Name {
		return a
	}
	return b
}
