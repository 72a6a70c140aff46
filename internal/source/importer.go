package source

import (
	"context"
	"fmt"
	"go/types"
	"os"
	"strings"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
)

// importer gives the types of imported packages: those read from source, and the rest from export data.
type importer struct {
	w      *world
	mu     sync.Mutex
	byPath map[string]*types.Package // what gcexportdata read
}

type importFunc func(path string) (*types.Package, error)

func (f importFunc) Import(path string) (*types.Package, error) { return f(path) }

// find asks the go command for the export data of the packages. It builds what isn't in the build cache.
func (i *importer) find(ctx context.Context, paths, tags []string) error {
	if len(paths) == 0 {
		return nil
	}
	args := []string{"-export", "-json=ImportPath,Export"}
	if len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	list, err := i.w.list(ctx, append(append(args, "--"), paths...)...)
	if err != nil {
		return err
	}
	for _, l := range list {
		if p := i.w.all[l.ImportPath]; p != nil {
			p.Export = l.Export
			if l.Export == "" && l.Error != nil {
				p.Error = l.Error // why it doesn't compile
			}
		}
	}
	return nil
}

func (i *importer) get(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	p := i.w.all[path]
	if p == nil {
		return nil, fmt.Errorf("import %s: %w", path, errNotListed)
	}
	if p.types != nil {
		return p.types, nil
	}
	if p.err != nil {
		return nil, p.err
	}
	if p.Export == "" {
		if err := p.trouble(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("import %s: it can't be built: try go build %s", path, path)
	}
	return i.read(p)
}

func (i *importer) read(p *pkg) (*types.Package, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if t := i.byPath[p.ImportPath]; t != nil && t.Complete() {
		return t, nil
	}
	f, err := os.Open(p.Export)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", p.ImportPath, err)
	}
	defer f.Close()
	r, err := gcexportdata.NewReader(f) //nolint:staticcheck // Read finds nothing in the archives that go list -export names
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", p.ImportPath, err)
	}
	t, err := gcexportdata.Read(r, i.w.fset, i.byPath, p.ImportPath)
	if err != nil {
		return nil, fmt.Errorf("import %s: read what another Go version wrote? %w", p.ImportPath, err)
	}
	return t, nil
}
