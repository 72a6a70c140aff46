package muster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing/fstest"

	"github.com/musterrun/muster"
)

type fileLines struct {
	Name  string
	Lines int
}

var countLines = muster.Func("files.lines", muster.PlainErr(func(path string) (fileLines, error) {
	text, err := os.ReadFile(path)
	return fileLines{filepath.Base(path), bytes.Count(text, []byte("\n"))}, err
}))

// A loop over files, in parallel, results in the files' order; one that can't be read doesn't stop the others.
// In joblib: Parallel(n_jobs=-1)(delayed(lines)(p) for p in paths); in dispy: cluster.submit(p) for each.
func Example_files() {
	dir, err := os.MkdirTemp("", "muster")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, fstest.MapFS{
		"a.txt":        {Data: []byte("one\n")},
		"b.txt/inside": {}, // makes b.txt a folder
		"c.txt":        {Data: []byte("one\ntwo\nthree\n")},
	}); err != nil {
		fmt.Println(err)
		return
	}

	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for f, err := range countLines.Map(context.Background(), slices.Values(paths)) {
		if bad := (*fs.PathError)(nil); errors.As(err, &bad) {
			fmt.Println(filepath.Base(bad.Path), "can't be read")
			continue
		}
		fmt.Println(f.Name, f.Lines)
	}
	// Output:
	// a.txt 1
	// b.txt can't be read
	// c.txt 3
}
