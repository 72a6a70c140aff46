package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// File is a source file to count.
type File struct {
	Path  string
	Bytes int64
}

// batchBytes is how much source a task parses. There are 16 batches a core, so that the cores end about together; a
// batch costs milliseconds at least, so that a task's own cost doesn't show; and it isn't small, since what each finds
// has many identifiers in common with what the others find, and is in memory until it is merged.
func batchBytes(files []File, cores int) int64 {
	sum := int64(0)
	for _, f := range files {
		sum += f.Bytes
	}
	return max(256<<10, min(2<<20, sum/int64(16*cores)))
}

// find lists the Go files under the paths, or under the Go toolchain's source without any.
func find(paths []string) ([]File, error) {
	if len(paths) == 0 {
		root, err := goSource()
		if err != nil {
			return nil, err
		}
		paths = []string{root}
	}
	var files []File
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().IsRegular() {
				files = append(files, File{path, info.Size()})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no Go files in " + strings.Join(paths, ", "))
	}
	return files, nil
}

// batches groups neighbouring files to about size bytes each.
func batches(files []File, size int64) [][]File {
	var out [][]File
	start, sum := 0, int64(0)
	for i, f := range files {
		if sum += f.Bytes; sum >= size || i == len(files)-1 {
			out = append(out, files[start:i+1:i+1])
			start, sum = i+1, 0
		}
	}
	return out
}
