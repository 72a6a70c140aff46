package fingerprint

import (
	"io/fs"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// files are those of a package; text is what a test changes.
func files(text string) fstest.MapFS {
	return fstest.MapFS{
		"a.go":          {Data: []byte(text)},
		"a_test.go":     {Data: []byte("package a // tests don't count")},
		File:            {Data: []byte("package a // nor does the generated file")},
		"sub/x_test.go": {Data: []byte("below the package they do")},
	}
}

var id = strings.Repeat("ab", 32)

// record is a package's record with one function.
func record(name string, change func(*Record)) string {
	r := &Record{
		Packages: []Source{{"example.com/a", mustSum(files("package a"))}, {"example.com/b", mustSum(files("package b"))}},
		Settings: map[string]string{"go": running().settings["go"], "-tags": running().settings["-tags"]},
		Units:    []Unit{{Key: "example.com/a.F", Hash: [8]byte{1}}, {Key: "example.com/b.G", Hash: [8]byte{2}}},
		Functions: []Function{{
			Name: name, ID: id, Packages: []int{0, 1}, Units: [][]int{{1}, {0}},
		}},
	}
	if change != nil {
		change(r)
	}
	return r.String()
}

func mustSum(f fs.ReadFileFS) string {
	s, err := sumOf(f)
	if err != nil {
		panic(err)
	}
	return s
}

// fresh empties the registry and fills it with two packages, the first of which registers a function called f.
func fresh(t testing.TB, change func(*Record)) {
	t.Helper()
	registry.Lock()
	registry.packages = nil
	registry.Unlock()
	register("example.com/a", files("package a"), record("f", change))
	register("example.com/b", files("package b"), "")
}

// pretend makes the program look as if it were built otherwise.
func pretend(t testing.TB, change func(*debug.BuildInfo)) {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	copied := *info
	copied.Settings = append([]debug.BuildSetting(nil), info.Settings...)
	copied.Deps = append([]*debug.Module(nil), info.Deps...)
	change(&copied)
	old := running
	running = sync.OnceValue(func() *build { return describe(&copied) })
	t.Cleanup(func() { running = old })
}
