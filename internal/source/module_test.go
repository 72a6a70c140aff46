package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

// gomod is what each module of a test begins with, unless it has a go.mod of its own.
const gomod = `module example.com/m

go 1.26.0

require github.com/musterrun/muster v0.0.0

replace github.com/musterrun/muster => MUSTER
`

// newModule writes the archive's files and the stand-in for muster to a new folder.
func newModule(t testing.TB, archive string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	at, err := filepath.Abs("testdata/muster") // one place, so that the build cache has it
	if err != nil {
		t.Fatal(err)
	}
	writeModule(t, dir, archive, standIn{dir: at})
	return dir
}

// standIn is what a module of a test has in place of the real muster.
type standIn struct {
	dir      string
	requires string // what a go.mod needs because of it
	sums     string // and go.sum
}

func writeModule(t testing.TB, dir, archive string, muster standIn) {
	t.Helper()
	files := []txtar.File{{Name: "go.mod", Data: []byte(gomod)}, {Name: "go.sum", Data: []byte(muster.sums)}}
	for _, f := range append(files, txtar.Parse([]byte(archive)).Files...) {
		text := strings.ReplaceAll(string(f.Data), "MUSTER", muster.dir)
		if f.Name == "go.mod" {
			text += muster.requires
		}
		write(t, dir, f.Name, text)
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// edit is one change of a module: "FILE: OLD => NEW", "FILE: += TEXT" for more at the end, or "FILE: = TEXT" for a file
// as a whole; "FILE: -" removes it. Several are separated by lines of "--".
func edit(t testing.TB, dir, script string) {
	t.Helper()
	for one := range strings.SplitSeq(script, "\n--\n") {
		file, what, ok := strings.Cut(strings.TrimLeft(one, "\n"), ": ")
		if !ok {
			t.Fatalf("not an edit: %q", one)
		}
		switch {
		case what == "-":
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		case strings.HasPrefix(what, "= "):
			write(t, dir, file, what[2:]+"\n")
		case strings.HasPrefix(what, "+= "):
			write(t, dir, file, read(t, dir, file)+"\n"+what[3:]+"\n")
		default:
			before, after, ok := strings.Cut(what, " => ")
			text := read(t, dir, file)
			if !ok || strings.Count(text, before) != 1 {
				t.Fatalf("%s has %q %d times, want once", file, before, strings.Count(text, before))
			}
			write(t, dir, file, strings.Replace(text, before, after, 1))
		}
	}
}

// remembered answers of the go command that don't depend on a module's sources: the settings, and where export data is.
var remembered sync.Map

func remember(ctx context.Context, g golang, args []string) ([]byte, error) {
	key := strings.Join(append(args, g.env...), "\x00")
	isExport := len(args) > 2 && args[2] == "-export" && !strings.Contains(key, "example.com")
	if args[0] != "env" && !isExport {
		return command(ctx, g, args)
	}
	for _, name := range []string{"go.mod", "go.work"} { // they say which muster it is
		if text, err := os.ReadFile(filepath.Join(g.dir, name)); err == nil {
			key += "\x00" + string(text)
		}
	}
	if out, ok := remembered.Load(key); ok {
		return out.([]byte), nil
	}
	out, err := command(ctx, g, args)
	if err == nil {
		remembered.Store(key, out)
	}
	return out, err
}

func analyseDir(t testing.TB, dir string) *Module {
	t.Helper()
	c := Config{Dir: dir}
	m, err := analyse(t.Context(), c, golang{dir: dir, run: remember})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// function is the one that an analysis found under a name, which must be there.
func function(t testing.TB, m *Module, name string) Function {
	t.Helper()
	for _, f := range m.Functions {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no function %q in %v", name, m.Functions)
	return Function{}
}

func keys(f Function) []string {
	var list []string
	for _, u := range f.Units {
		if !strings.HasPrefix(u.Key, "setting ") {
			list = append(list, u.Key)
		}
	}
	return list
}
