package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// checkLinks follows the relative links of all Markdown files below the current folder that git tracks.
func checkLinks() error {
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	files := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	if broken := brokenLinks(files, os.ReadFile); len(broken) > 0 {
		return fmt.Errorf("links that lead nowhere:\n  %s", strings.Join(broken, "\n  "))
	}
	return nil
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	span    = regexp.MustCompile("`+[^`]*`+")
	outside = regexp.MustCompile(`^[a-z]+:`)
)

// brokenLinks are the links to files that aren't among the given ones, which are all that a clone of the repository has,
// and to headings that a page hasn't.
func brokenLinks(files []string, read func(string) ([]byte, error)) []string {
	known := map[string]bool{".": true}
	for _, f := range files {
		for ; f != "."; f = path.Dir(f) {
			known[f] = true
		}
	}
	pages := map[string]document{}
	for _, f := range files {
		if strings.HasSuffix(f, ".md") {
			text, err := read(f)
			if err != nil {
				return []string{err.Error()}
			}
			pages[f] = parse(string(text))
		}
	}
	var broken []string
	for _, f := range files {
		for _, l := range pages[f].links {
			name, heading, _ := strings.Cut(l.to, "#")
			target := f
			if name != "" {
				target = path.Join(path.Dir(f), name)
			}
			switch p, isPage := pages[target]; {
			case !known[target]:
				broken = append(broken, fmt.Sprintf("%s:%d: %s: git tracks no %s", f, l.line, l.to, target))
			case heading != "" && isPage && !slices.Contains(p.headings, heading):
				broken = append(broken, fmt.Sprintf("%s:%d: %s: %s has no such heading", f, l.line, l.to, target))
			}
		}
	}
	return broken
}

// document is what matters of a Markdown file.
type document struct {
	links    []ref
	headings []string // as links name them
}

type ref struct {
	line int // from 1
	to   string
}

// parse leaves out code, and links to other sites.
func parse(text string) document {
	var p document
	fenced := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			p.headings = append(p.headings, anchor(title))
		}
		for _, m := range link.FindAllStringSubmatch(span.ReplaceAllString(line, ""), -1) {
			if !outside.MatchString(m[1]) {
				p.links = append(p.links, ref{i + 1, m[1]})
			}
		}
	}
	return p
}

// anchor is how GitHub names a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}
