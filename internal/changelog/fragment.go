package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// kinds are the kinds of change, in the changelog's order.
var kinds = []string{"Security", "Change", "Bugfix", "Enhancement"}

const maxTitle = 80 // characters

// fragment is one change that a user can see.
type fragment struct {
	kind, title string
	body        []string // paragraphs: the problem in the past, what muster does now
}

// parse reads a fragment and says what is wrong with it.
func parse(text string) (fragment, error) {
	paragraphs := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n\n")
	kind, title, _ := strings.Cut(paragraphs[0], ": ")
	f := fragment{kind: kind, title: title, body: paragraphs[1:]}
	switch {
	case !slices.Contains(kinds, kind):
		return f, fmt.Errorf("the first line must be `Kind: title`, with a kind of %s", strings.Join(kinds, ", "))
	case title == "" || strings.Contains(title, "\n"):
		return f, errors.New("the title must be one line, followed by an empty one")
	case utf8.RuneCountInString(title) > maxTitle:
		return f, fmt.Errorf("the title has %d characters: at most %d", utf8.RuneCountInString(title), maxTitle)
	case strings.HasSuffix(title, "."):
		return f, errors.New("the title must not end with a full stop")
	case len(f.body) < 2:
		return f, errors.New("after the title it needs two paragraphs: what was the problem, and what muster does now")
	}
	for _, p := range f.body {
		if strings.HasPrefix(p, "#") {
			return f, errors.New("a fragment has no headings of its own")
		}
	}
	return f, nil
}

// readFolder reads a version's fragments, sorted by kind, then by file name. It joins the errors of all files.
func readFolder(dir string) ([]fragment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []fragment
	var errs []error
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() || filepath.Ext(e.Name()) != ".md" {
			errs = append(errs, fmt.Errorf("%s: a fragment is a file that ends in .md", filepath.ToSlash(path)))
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, err := parse(string(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", filepath.ToSlash(path), err))
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b fragment) int { return slices.Index(kinds, a.kind) - slices.Index(kinds, b.kind) })
	return out, errors.Join(errs...)
}
