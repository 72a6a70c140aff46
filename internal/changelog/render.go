package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	unreleased = "unreleased"
	intro      = "# Changelog\n\nWritten from the files in changelog/ by `go run ./internal/changelog`; changelog/README.md says how.\n"
)

// release is one version's folder.
type release struct {
	folder, title string
	number        [3]int
}

var releaseFolder = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)_(\d{4}-\d{2}-\d{2})$`)

// render writes the whole changelog from dir, the newest version first, or says what is wrong with the fragments.
func render(dir string) (string, error) {
	releases, err := readReleases(dir)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	var errs []error
	out.WriteString(intro)
	for _, r := range releases {
		fragments, err := readFolder(filepath.Join(dir, r.folder))
		errs = append(errs, err)
		if len(fragments) > 0 {
			fmt.Fprintf(&out, "\n## %s\n", r.title)
			writeFragments(&out, fragments)
		}
	}
	return out.String(), errors.Join(errs...)
}

func writeFragments(out *strings.Builder, fragments []fragment) {
	for _, f := range fragments {
		fmt.Fprintf(out, "\n### %s: %s\n\n%s\n", f.kind, f.title, strings.Join(f.body, "\n\n"))
	}
}

// readReleases lists the folders: unreleased, if it's there, then the versions, the highest first.
func readReleases(dir string) ([]release, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []release
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		r, err := parseRelease(e.Name())
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", filepath.ToSlash(dir), e.Name(), err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b release) int { return slices.Compare(b.number[:], a.number[:]) })
	return out, nil
}

func parseRelease(folder string) (release, error) {
	if folder == unreleased {
		return release{folder, "Unreleased", [3]int{1 << 30}}, nil
	}
	m := releaseFolder.FindStringSubmatch(folder)
	if m == nil {
		return release{}, errors.New("a folder is unreleased, or a version and its day: 1.2.3_2026-01-31")
	}
	r := release{folder: folder, title: fmt.Sprintf("%s.%s.%s (%s)", m[1], m[2], m[3], m[4])}
	for i := range r.number {
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return release{}, err
		}
		r.number[i] = n
	}
	return r, nil
}
