package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the module's folder, where the tests of this package look from.
const root = "../.."

func TestLayers(t *testing.T) {
	files := modulesFiles(t)
	if len(files) < 50 {
		t.Fatalf("found %d Go files: the search for them is broken", len(files))
	}
	for _, b := range breaches(rules, files) {
		t.Error(b)
	}
}

// TestFolders holds CONTRIBUTING.md's layout to the folders that there are.
func TestFolders(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range inUse(modulesFiles(t)) {
		if want := "`" + r.part + "/`"; r.part != "." && !strings.Contains(string(text), want) {
			t.Errorf("CONTRIBUTING.md's layout doesn't mention %s: say there what goes into it", want)
		}
	}
}

// modulesFiles reads the import lines of every Go file of this module, for all systems, without running the go command:
// so the test's cached result is void as soon as one of them changes.
func modulesFiles(t *testing.T) []file {
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(path, d.Name())
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, readFile(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// skip leaves out the folders that the go command leaves out, and modules of their own.
func skip(path, name string) error {
	if path == root {
		return nil
	}
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func readFile(t *testing.T, path string) file {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	f := file{name: filepath.ToSlash(rel)}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		f.imports = append(f.imports, imported)
	}
	slices.Sort(f.imports)
	return f
}
