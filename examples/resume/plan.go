package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// levels of compression that are tried.
var levels = []int{1, 6, 9}

// least is how large a file is that is worth a task of its own.
const least = 48 << 10

// plan lists what is to be done, in the same order each time. Without roots it is the Go toolchain's own source.
func plan(roots []string) ([]Sweep, error) {
	if len(roots) == 0 {
		out, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return nil, fmt.Errorf("find the Go toolchain's source: go env GOROOT: %w; name a folder instead", err)
		}
		roots = []string{filepath.Join(strings.TrimSpace(string(out)), "src")}
	}
	var sweeps []Sweep
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".go" {
				return err
			}
			info, err := d.Info()
			if err != nil || info.Size() < least {
				return err
			}
			for _, level := range levels {
				sweeps = append(sweeps, Sweep{path, level})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(sweeps) == 0 {
		return nil, errors.New("no Go files of 48 KiB or more in " + strings.Join(roots, ", "))
	}
	return sweeps, nil
}

func all(sweeps []Sweep) iter.Seq[Sweep] { return slices.Values(sweeps) }
