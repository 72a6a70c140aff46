package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/musterrun/muster/fingerprint"
)

// Changes are the generated files that differ from what they should be, as paths, sorted.
type Changes struct {
	Write  []string // missing or outdated
	Remove []string // in packages that no function reaches any more
	// Warnings are about functions that have a fingerprint, but reach a package whose module doesn't require muster, so
	// that a generated file would keep it from being built on its own.
	Warnings []Warning
}

// None reports whether all files are as they should be.
func (c Changes) None() bool { return len(c.Write)+len(c.Remove) == 0 }

// WriteFiles brings the generated files up to date: those that are right already aren't touched. What it returns is
// what it did.
func (m *Module) WriteFiles() (Changes, error) {
	c, files, err := m.compare()
	if err != nil {
		return c, err
	}
	for _, f := range files {
		if err := replaceFile(filepath.Join(f.dir, fingerprint.File), f.text); err != nil {
			return c, fmt.Errorf("write the file of %s: %w", f.path, err)
		}
	}
	for _, name := range c.Remove {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c, fmt.Errorf("remove an outdated file: %w", err)
		}
	}
	return c, nil
}

// Check tells what WriteFiles would do.
func (m *Module) Check() (Changes, error) {
	c, _, err := m.compare()
	return c, err
}

func (m *Module) compare() (c Changes, outdated []generated, err error) {
	leaveOut, warnings := m.foreign()
	c = Changes{Remove: slices.Clone(m.stray), Warnings: warnings}
	files, err := m.generate(leaveOut)
	if err != nil {
		return c, nil, err
	}
	for _, f := range files {
		name := filepath.Join(f.dir, fingerprint.File)
		if m.isForeign(f.path) {
			continue
		}
		have, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c, nil, fmt.Errorf("compare the file of %s: %w", f.path, err)
		}
		if err != nil || !bytes.Equal(have, f.text) {
			c.Write = append(c.Write, name)
			outdated = append(outdated, f)
		}
	}
	slices.Sort(c.Write)
	slices.Sort(c.Remove)
	return c, outdated, nil
}

func (m *Module) isForeign(path string) bool {
	return slices.ContainsFunc(m.packages, func(p reachedPackage) bool { return p.path == path && p.lacksMuster != "" })
}

// foreign finds the functions that reach packages whose modules don't require muster.
func (m *Module) foreign() (leaveOut map[string]string, warnings []Warning) {
	leaveOut = map[string]string{}
	for _, p := range m.packages {
		if p.lacksMuster == "" {
			continue
		}
		w := Warning{Text: fmt.Sprintf("%s needs a generated file and its module doesn't require muster: run `go get %s` in %s",
			p.path, musterPath, p.lacksMuster)}
		w.Position.Filename = p.dir
		for _, f := range m.Functions {
			if f.Fingerprint != "" && slices.Contains(slices.Concat(f.Packages, f.Guards), p.path) {
				leaveOut[f.Package+" "+f.Name] = "the module of " + p.path + " doesn't require muster"
				w.Functions = append(w.Functions, f.Name)
			}
		}
		warnings = append(warnings, w)
	}
	return leaveOut, warnings
}

// replaceFile writes a file as a whole: the old one stays if the disk is full.
func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".muster_fingerprint*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Overlay writes the generated files into dir, which must exist, instead of into the packages, and returns the name of
// a file for `go build -overlay`. The packages' own generated files are replaced by it, or hidden if nothing reaches
// their package.
func (m *Module) Overlay(dir string) (string, error) {
	files, err := m.generate(nil)
	if err != nil {
		return "", err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("write an overlay: %w", err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for i, f := range files {
		name := filepath.Join(dir, strconv.Itoa(i)+".go")
		if err := os.WriteFile(name, f.text, 0o644); err != nil {
			return "", fmt.Errorf("write an overlay: %w", err)
		}
		overlay.Replace[filepath.Join(f.dir, fingerprint.File)] = name
	}
	for _, name := range m.stray {
		overlay.Replace[name] = ""
	}
	text, err := json.MarshalIndent(overlay, "", "\t")
	if err != nil {
		return "", fmt.Errorf("write an overlay: %w", err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("write an overlay: %w", err)
	}
	return name, nil
}
