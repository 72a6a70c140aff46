package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/musterrun/muster/internal/source"
)

// inWords says for people what has happened to a part of a function's code.
func inWords(c source.Change) string {
	kind, name, _ := strings.Cut(c.Key, " ")
	switch kind {
	case "setting":
		return settingInWords(name)
	case "module":
		return [...]string{
			source.Edited: "module " + name + " has another version", source.Added: "module " + name + " is used now",
			source.Removed: "module " + name + " isn't used any more",
		}[c.Kind]
	case "import":
		return "package " + name + map[bool]string{true: " isn't imported any more", false: " is imported now"}[c.Kind == source.Removed]
	case "vendored":
		return "the vendored code of " + name + " " + c.Kind.String()
	}
	if c.Key == "order of initialisation" {
		return "the order in which package variables are initialised changed"
	}
	return codeInWords(c)
}

func settingInWords(name string) string {
	if module, ok := strings.CutPrefix(name, "go directive of "); ok {
		return "the go line in the go.mod of " + module + " differs"
	}
	switch name {
	case "go":
		return "the Go version differs"
	case "-tags":
		return "the build tags differ"
	}
	return name + " differs"
}

// A part of a function, or of what runs while packages are initialised, has a number where it has no name.
var (
	statement = regexp.MustCompile(`^(.+?) (calls|sets) (.+)#\d+$`)
	start     = regexp.MustCompile(`^(.+)\.init#\d+$`)
	argument  = regexp.MustCompile(`^(muster\.\w+\(.*\)) argument (\d+)$`)
)

func codeInWords(c source.Change) string {
	what := c.Kind.String()
	if m := statement.FindStringSubmatch(c.Key); m != nil {
		return fmt.Sprintf("a statement in %s that %s %s %s", brief(m[1]), m[2], brief(m[3]), what)
	}
	if m := start.FindStringSubmatch(c.Key); m != nil {
		return fmt.Sprintf("what runs when package %s is initialised %s", m[1], what)
	}
	if m := argument.FindStringSubmatch(c.Key); m != nil {
		return fmt.Sprintf("argument %s of %s %s", m[2], m[1], what)
	}
	return c.String()
}

// brief is a name without the folders of its package's path.
func brief(key string) string {
	c := source.Change{Key: key}
	return strings.TrimSuffix(c.String(), " "+c.Kind.String())
}
