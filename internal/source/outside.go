package source

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zeebo/blake3"
)

// version is what a module outside is known by.
func (m *listedModule) version() string {
	if r := m.Replace; r != nil {
		return r.Path + "@" + r.Version
	}
	return m.Version
}

// outsider is what a package outside brings with it. It is computed once.
type outsider struct {
	modules map[string]string // of its import closure: path to version
	ears    map[string]bool   // the packages of the closure that can be told something that they tell others
	vendor  map[string]bool   // packages of the closure that stand in a vendor folder
	deep    bool              // the closure has code beyond the standard library that reflects
	between string            // a package of the closure that calls back into the inside
}

// outsiders caches by import path.
type outsiders map[string]*outsider

func (w *world) outsider(cache outsiders, path string) *outsider {
	if o := cache[path]; o != nil {
		return o
	}
	o := &outsider{modules: map[string]string{}, ears: map[string]bool{}, vendor: map[string]bool{}}
	cache[path] = o
	w.addOutside(o, path, map[string]bool{})
	o.deep = o.deep || path == "text/template" || path == "html/template"
	if !w.all[path].isFramework() && listens(path) {
		o.ears[path] = true
	}
	return o
}

func (p *pkg) isFramework() bool { return p != nil && p.framework }

func (w *world) addOutside(o *outsider, path string, seen map[string]bool) {
	p := w.all[path]
	if seen[path] || p == nil || p.inside {
		return
	}
	seen[path] = true
	if p.Standard || p.Module == nil {
		if ears[path] {
			o.ears[path] = true
		}
		if !p.Standard {
			return
		}
	} else {
		w.addModule(o, p)
	}
	if p.framework {
		return // a boundary: what muster uses for itself is covered by its version
	}
	for _, i := range p.Imports {
		w.addOutside(o, p.resolve(i), seen)
	}
}

// ears are the standard packages that other modules fill with code of their own when they are linked.
var ears = set(`archive/zip crypto database/sql encoding/gob expvar image mime net net/http net/rpc go/build`)

func (w *world) addModule(o *outsider, p *pkg) {
	if !p.Module.local() {
		o.modules[p.Module.Path] = p.Module.version()
	}
	if p.framework {
		return
	}
	o.ears[p.ImportPath] = true
	if p.between {
		o.between = p.ImportPath
	}
	if slices.Contains(p.Imports, "reflect") {
		o.deep = true
	}
	if strings.Contains(filepath.ToSlash(p.Dir), "/vendor/") {
		o.vendor[p.ImportPath] = true
	}
}

// vendored hashes the Go files of a vendored package, which somebody may have patched.
func (p *pkg) vendored() ([32]byte, error) {
	h := blake3.New()
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.SFiles, p.HFiles) {
		data, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return [32]byte{}, fmt.Errorf("hash the vendored %s: %w", p.ImportPath, err)
		}
		_, _ = fmt.Fprintf(h, "%s %d\n", name, len(data)) // a hash never fails
		_, _ = h.Write(data)
	}
	return [32]byte(h.Sum(nil)), nil
}

// linkedWith are the packages that may be part of one program with p: all that its programs import. If none of the
// programs that were analysed has it, it is all that is imported by a package that imports p.
func (w *world) linkedWith(p *pkg) map[*pkg]bool {
	above := map[*pkg]bool{p: true}
	programs := map[*pkg]bool{}
	for _, q := range w.ordered { // those that a package imports come before it
		for _, i := range q.Imports {
			if r := w.all[q.resolve(i)]; r != nil && above[r] {
				above[q] = true
			}
		}
		if above[q] && q.Name == "main" {
			programs[q] = true
		}
	}
	with := programs
	if len(programs) == 0 {
		with = above
	}
	for _, q := range slices.Backward(w.ordered) {
		if !with[q] {
			continue
		}
		for _, i := range q.Imports {
			if r := w.all[q.resolve(i)]; r != nil {
				with[r] = true
			}
		}
	}
	return with
}

// sortedKeys are a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
