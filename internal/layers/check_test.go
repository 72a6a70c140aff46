package layers

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// file is one Go file's imports.
type file struct {
	name    string // from the module's root, with slashes
	imports []string
}

func (f file) folder() string { return path.Dir(f.name) }

func (f file) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// ruleOf is the rule of the longest part that the folder is or lies in.
func ruleOf(rules []rule, folder string) (best rule, found bool) {
	for _, r := range rules {
		if within(folder, r.part) && len(r.part) >= len(best.part) {
			best, found = r, true
		}
	}
	return best, found
}

// within reports whether folder is part or lies in it. Nothing lies in the root.
func within(folder, part string) bool {
	return folder == part || part != "." && strings.HasPrefix(folder, part+"/")
}

// breaches says of each import that the rules don't allow why not.
func breaches(rules []rule, files []file) []string {
	var out []string
	for _, f := range files {
		r, found := ruleOf(rules, f.folder())
		if !found {
			out = append(out, fmt.Sprintf("%s: no rule covers %s: add one to internal/layers/rules_test.go, with its reason", f.name, f.folder()))
			continue
		}
		for _, imported := range f.imports {
			if !r.allows(rules, f, imported) {
				out = append(out, fmt.Sprintf("%s imports %s: %s", f.name, imported, r.reason()))
			}
		}
	}
	return out
}

func (r rule) allows(rules []rule, f file, imported string) bool {
	folder, ours := partPath(imported)
	switch {
	case r.any:
		return true
	case ours:
		target, found := ruleOf(rules, folder)
		return found && slices.Contains(append(r.parts(f.isTest()), r.part), target.part)
	case isStandard(imported):
		return f.isTest() || !withinAny(imported, r.not)
	default:
		return withinAny(imported, r.others(f.isTest()))
	}
}

func withinAny(imported string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return within(imported, p) })
}

// parts and others are what the rule allows, for a test or for other code.
func (r rule) parts(test bool) []string {
	if test {
		return slices.Concat(r.may, r.tests)
	}
	return slices.Clone(r.may)
}

func (r rule) others(test bool) []string {
	if test {
		return slices.Concat(r.use, r.extra, inTests)
	}
	return slices.Clone(r.use)
}

// reason is what the one who breaks the rule reads.
func (r rule) reason() string {
	var allowed []string
	for _, p := range r.may {
		allowed = append(allowed, name(p))
	}
	allowed = append(append(allowed, r.use...), "the standard library")
	text := fmt.Sprintf("%s (%s may import %s", r.why, name(r.part), strings.Join(allowed, ", "))
	if len(r.not) > 0 {
		text += " without " + strings.Join(r.not, ", ")
	}
	return text + ")"
}

func name(part string) string {
	if part == "." {
		return "the root"
	}
	return part
}

// partPath is an import path's folder in this module.
func partPath(imported string) (folder string, ours bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// isStandard reports whether the import path is the standard library's: its first element has no dot.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
