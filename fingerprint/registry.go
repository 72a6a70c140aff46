package fingerprint

import (
	"embed"
	"io/fs"
	"sync"
)

// registry has what the generated files handed over, as they were: nothing is read before somebody asks.
var registry struct {
	sync.Mutex
	packages  map[string]*registered
	functions map[string]*function // made at the first question after a registration
}

// registered is a package with a generated file.
type registered struct {
	path  string
	files fs.ReadFileFS
	text  string
	sum   func() (string, error) // hashes once
}

// function is a registered function with the record that it stands in.
type function struct {
	name   string
	entry  Function
	record *Record
	id     string
}

// Package hands over a package's embedded files and its record. Generated code calls it while packages are
// initialised; it only keeps its arguments. The result is for a variable's declaration.
func Package(path string, files embed.FS, record string) struct{} {
	register(path, files, record)
	return struct{}{}
}

func register(path string, files fs.ReadFileFS, record string) {
	registry.Lock()
	defer registry.Unlock()
	if registry.packages == nil {
		registry.packages = map[string]*registered{}
	}
	registry.packages[path] = &registered{
		path: path, files: files, text: record,
		sum: sync.OnceValues(func() (string, error) { return sumOf(files) }),
	}
	registry.functions = nil
	codes.Clear()
}

// find is called with the registry locked. It reads all records at the first question: names say nothing about
// packages.
func find(name string) (*function, *Reason) {
	if registry.functions == nil {
		registry.functions = map[string]*function{}
		for _, p := range registry.packages {
			p.read()
		}
	}
	f := registry.functions[name]
	switch {
	case f == nil:
		for _, p := range registry.packages {
			if _, err := parse(p.text); err != nil {
				return nil, &Reason{Kind: Format, Function: name, Culprit: p.path}
			}
		}
		return nil, &Reason{Kind: Absent, Function: name}
	case f.entry.ID == "":
		return nil, &Reason{Kind: Opaque, Function: name, Culprit: f.entry.Opaque}
	}
	return f, nil
}

func (p *registered) read() {
	r, err := parse(p.text)
	if err != nil {
		return // find tells
	}
	for _, e := range r.Functions {
		registry.functions[e.Name] = &function{name: e.Name, entry: e, record: r, id: e.ID}
	}
}

// Units lists what the function's fingerprint was made from, nearest first, for source.Explain; nil if no generated
// file has it. It doesn't check that the sources are still the same.
func Units(name string) []Unit {
	registry.Lock()
	defer registry.Unlock()
	f, reason := find(name)
	if reason != nil {
		return nil
	}
	var list []Unit
	for depth, level := range f.entry.Units {
		for _, i := range level {
			u := f.record.Units[i]
			u.Depth = depth
			list = append(list, u)
		}
	}
	return list
}
