package fingerprint

import "fmt"

// Kind is what kept a fingerprint from being used.
type Kind uint8

// The kinds of reasons. For all but Opaque, `muster fingerprint ./...` is the remedy.
const (
	Absent      Kind = iota // no generated file has the function
	Opaque                  // the analysis met code that it can't see through
	Format                  // the generated file is of another version of muster
	Missing                 // a package that the function reaches has no generated file
	Changed                 // the sources of a package aren't those that were analysed
	Dependency              // another module is linked in another version
	Environment             // another Go version, platform, build tag or setting
)

var kinds = [...]string{
	Absent: "absent", Opaque: "opaque", Format: "format", Missing: "missing", Changed: "changed",
	Dependency: "dependency", Environment: "environment",
}

// String is the kind in one word.
func (k Kind) String() string { return kinds[k] }

// Reason is why a function's code is identified by the executable.
type Reason struct {
	Kind     Kind
	Function string // its registered name
	Culprit  string // the package, module or setting that disagrees; for Opaque what can't be seen
	Was, Is  string // what was analysed and what runs, where they can be told
}

const again = "run `muster fingerprint ./...` and build again"

// Error is one line: what disagrees, and what to do.
func (r *Reason) Error() string {
	what := "fingerprint of " + r.Function
	switch r.Kind {
	case Absent:
		return what + ": no generated file has it: " + again
	case Opaque:
		return fmt.Sprintf("%s: can't be made: %s", what, r.Culprit)
	case Format:
		return fmt.Sprintf("%s: the file in %s is of another version of muster: %s", what, r.Culprit, again)
	case Missing:
		return fmt.Sprintf("%s: it reaches %s, which has no generated file: %s", what, r.Culprit, again)
	case Changed:
		return fmt.Sprintf("%s: the sources of %s changed: %s", what, r.Culprit, again)
	case Dependency:
		return fmt.Sprintf("%s: made with %s %s, linked with %s: %s", what, r.Culprit, r.Was, or(r.Is, "none"), again)
	default:
		return fmt.Sprintf("%s: made for %s=%s, runs with %q: %s", what, r.Culprit, r.Was, r.Is, again)
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
