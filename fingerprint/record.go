package fingerprint

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Schema is the number of the records' format and of what goes into a fingerprint. Raising it makes every fingerprint
// another one.
const Schema = 1

// Record is what a generated file tells about the functions that its package registers. Its text has one line for each
// entry: a word, then what it is about.
type Record struct {
	Packages  []Source          // what the functions reach inside, by path
	Modules   []Version         // what they reach outside, by path
	Settings  map[string]string // what they hold for: "go", "GOOS", "-tags"; as debug.BuildInfo names them
	Units     []Unit            // the union of what they reach, by key
	Functions []Function
}

// Source is an inside package and the Sum of its files.
type Source struct{ Path, Sum string }

// Version is a module outside: its path and its version, or what replaces it, as path@version.
type Version struct{ Path, Version string }

// Unit is a declaration, module or setting that a fingerprint depends on, with a short hash of it.
type Unit struct {
	Key   string // "example.com/m.F", "(*example.com/m.T).M", "module golang.org/x/text", "setting GOOS"
	Hash  [8]byte
	Depth int // how many steps from the function, 0 for itself
}

// Function is a registered function's entry. The ranges are indices of the Record's lists.
type Function struct {
	Name     string
	ID       string // 64 hexadecimal digits; empty if there is none
	Opaque   string // why there is none
	Packages []int
	// Open says that code elsewhere could change what the function does, by setting a variable or telling something to a
	// package outside: then the other packages of its programs must be those that were analysed, where they are linked.
	Open    bool
	Guards  []int // these packages
	Modules []int
	Units   [][]int // by depth
}

// parse reads a record's text. An empty text is a package that registers nothing.
func parse(text string) (*Record, error) {
	r := &Record{Settings: map[string]string{}}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if lines[0] == "" {
		return r, nil
	}
	if lines[0] != "muster "+strconv.Itoa(Schema) {
		return nil, fmt.Errorf("read a fingerprint record: %q isn't this version's", lines[0])
	}
	for _, line := range lines[1:] {
		word, rest, _ := strings.Cut(line, " ")
		if err := r.entry(word, rest); err != nil {
			return nil, fmt.Errorf("read a fingerprint record: %q: %w", line, err)
		}
	}
	return r, nil
}

func (r *Record) entry(word, rest string) error {
	last := strings.LastIndexByte(rest, ' ')
	head, tail := rest, ""
	if last >= 0 {
		head, tail = rest[:last], rest[last+1:]
	}
	switch word {
	case "setting":
		name, value, _ := strings.Cut(rest, "=")
		r.Settings[name] = value
	case "package":
		r.Packages = append(r.Packages, Source{head, tail})
	case "module":
		r.Modules = append(r.Modules, Version{head, tail})
	case "unit":
		u := Unit{Key: head}
		if len(tail) != hex.EncodedLen(len(u.Hash)) {
			return fmt.Errorf("a hash of %d digits", len(tail))
		}
		if _, err := hex.Decode(u.Hash[:], []byte(tail)); err != nil {
			return fmt.Errorf("not a hash: %w", err)
		}
		r.Units = append(r.Units, u)
	case "func":
		return r.function(rest)
	case "opaque":
		name, why, err := quoted(rest)
		r.Functions = append(r.Functions, Function{Name: name, Opaque: why})
		return err
	default:
		return fmt.Errorf("an unknown word %q", word)
	}
	return nil
}

// function reads `"name" id packages guards modules units`.
func (r *Record) function(rest string) error {
	name, rest, err := quoted(rest)
	if err != nil {
		return err
	}
	words := strings.Split(rest, " ")
	if len(words) != 5 || len(words[0]) != 64 {
		return fmt.Errorf("has %d words where 5 belong", len(words))
	}
	f := Function{Name: name, ID: words[0]}
	if f.Packages, err = readRanges(words[1], len(r.Packages)); err != nil {
		return err
	}
	if f.Open = words[2] != "-"; words[2] != isOpen {
		if f.Guards, err = readRanges(words[2], len(r.Packages)); err != nil {
			return err
		}
	}
	if f.Modules, err = readRanges(words[3], len(r.Modules)); err != nil {
		return err
	}
	for level := range strings.SplitSeq(words[4], "/") {
		units, err := readRanges(level, len(r.Units))
		if err != nil {
			return err
		}
		f.Units = append(f.Units, units)
	}
	r.Functions = append(r.Functions, f)
	return nil
}

// isOpen stands for the guards of a function that is open and has none.
const isOpen = "open"

func quoted(s string) (name, rest string, err error) {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("no quoted name: %w", err)
	}
	name, err = strconv.Unquote(q)
	return name, strings.TrimPrefix(s[len(q):], " "), err
}
