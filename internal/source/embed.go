package source

import (
	"path"
	"strings"
)

// embedded are those of the package's embedded files that one pattern chooses, by the rules of package embed.
func embedded(pattern string, files []string) []string {
	pattern, hidden := strings.CutPrefix(pattern, "all:")
	var names []string
	for _, f := range files {
		if chosen(pattern, f, hidden) {
			names = append(names, f)
		}
	}
	return names
}

// chosen reports whether the pattern matches the file, or a folder around it: then files whose names begin with a dot
// or an underscore don't count, unless they are asked for.
func chosen(pattern, file string, hidden bool) bool {
	if ok, err := path.Match(pattern, file); ok && err == nil {
		return true
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if ok, err := path.Match(pattern, dir); !ok || err != nil {
			continue
		}
		if hidden || !hasHidden(strings.TrimPrefix(file, dir+"/")) {
			return true
		}
	}
	return pattern == "." && (hidden || !hasHidden(file))
}

func hasHidden(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") {
			return true
		}
	}
	return false
}
