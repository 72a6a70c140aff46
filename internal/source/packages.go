package source

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/musterrun/muster/fingerprint"
)

// The files that generated files embed. The go command ignores those whose names begin with a dot or an underscore;
// editors leave some that can't be embedded.
const (
	goFiles  = "[^._]*.go"
	asmFiles = "[^._]*.s"
	asmHeads = "[^._]*.h"
)

// packages describes the generated files that are needed, by import path.
func (a *analysis) packages() ([]reachedPackage, error) {
	var list []reachedPackage
	for p, e := range a.reached {
		r := reachedPackage{path: p.ImportPath, name: p.Name, dir: p.Dir}
		r.patterns = append([]string{goFiles}, p.assembly(e)...)
		r.patterns = append(r.patterns, sortedKeys(e.embeds)...)
		var err error
		if r.sum, err = p.sum(e); err != nil {
			return nil, err
		}
		if r.lacksMuster, err = p.lacksMuster(); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b reachedPackage) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

// assembly are the patterns for what is embedded beside Go files.
func (p *pkg) assembly(e *extent) (patterns []string) {
	if !e.asm {
		return nil
	}
	if len(p.HFiles) > 0 {
		patterns = append(patterns, asmHeads)
	}
	return append(patterns, asmFiles)
}

// sum hashes what the generated file will embed.
func (p *pkg) sum(e *extent) (string, error) {
	var names []string
	for _, pattern := range append([]string{goFiles}, p.assembly(e)...) {
		found, err := filepath.Glob(filepath.Join(globEscape(p.Dir), pattern))
		if err != nil {
			return "", fmt.Errorf("find the sources of %s: %w", p.ImportPath, err)
		}
		for _, f := range found {
			if name := filepath.Base(f); fingerprint.Counted(name) {
				names = append(names, name)
			}
		}
	}
	for pattern := range e.embeds {
		for _, name := range embedded(pattern, p.EmbedFiles) {
			if fingerprint.Counted(name) {
				names = append(names, name)
			}
		}
	}
	return fingerprint.Sum(names, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
	})
}

// irregular is a file that goFiles matches and that no package can embed, or "".
func (p *pkg) irregular() string {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return p.Dir
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(goFiles, e.Name()); !ok { // the pattern is right
			continue
		}
		if !e.Type().IsRegular() || strings.ContainsAny(e.Name(), "\"'*<>?`|/\\:") {
			return e.Name()
		}
	}
	return ""
}

// globEscape keeps a folder's name from being taken for a pattern. On Windows nothing can.
func globEscape(dir string) string {
	if os.PathSeparator == '\\' {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// lacksMuster is the folder of the package's module if that doesn't require muster, so that a generated file in it
// would keep it from being built on its own.
func (p *pkg) lacksMuster() (string, error) {
	m := p.Module
	if m.Path == musterPath || strings.Contains(filepath.ToSlash(p.Dir), "/vendor/") {
		return "", nil
	}
	mod := m.GoMod
	if mod == "" {
		mod = filepath.Join(m.Dir, "go.mod")
	}
	text, err := os.ReadFile(mod)
	if err != nil {
		return "", fmt.Errorf("does %s require muster? %w", m.Path, err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		if word == musterPath {
			return "", nil
		}
	}
	return filepath.Dir(mod), nil
}

// stray are the generated files in packages that no function reaches.
func (a *analysis) stray() (files []string) {
	for _, p := range a.inside {
		if a.reached[p] != nil {
			continue
		}
		name := filepath.Join(p.Dir, fingerprint.File)
		if text, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(text), header) {
			files = append(files, name)
		}
	}
	return files
}
