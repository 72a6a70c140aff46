package layers

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the linter's copy of the rules to .golangci.yml")

const (
	from = "        # The rules of internal/layers, written by `go test ./internal/layers -update`.\n"
	to   = "        # End of the rules of internal/layers.\n"
)

// hosts are where modules live: an import below one of them that a rule doesn't allow is refused with the rule's reason.
// Below any other it is refused too, with the rule's name only.
var hosts = []string{"github.com", "go.uber.org", "golang.org", "pgregory.net"}

// TestLinterHasTheRules compares the linter's copy with the table.
func TestLinterHasTheRules(t *testing.T) {
	config := filepath.Join(root, ".golangci.yml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), from)
	_, after, foundEnd := strings.Cut(rest, to)
	if !found || !foundEnd {
		t.Fatalf(".golangci.yml lacks the lines %q and %q", from, to)
	}
	want := before + from + depguard(rules, inUse(modulesFiles(t))) + to + after
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(config, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error(".golangci.yml has other rules than rules_test.go: run go test ./internal/layers -update")
	}
}

// inUse are the parts that have files, in the rules' order.
func inUse(files []file) []rule {
	var out []rule
	for _, r := range rules {
		has := func(f file) bool { covering, _ := ruleOf(rules, f.folder()); return covering.part == r.part }
		if slices.ContainsFunc(files, has) {
			out = append(out, r)
		}
	}
	return out
}

// depguard is the used rules in the linter's words: two lists for each part, one of them for its tests.
func depguard(rules, used []rule) string {
	var out strings.Builder
	for _, r := range used {
		if !r.any {
			fmt.Fprintf(&out, "        %s:\n", name(r.part))
			writeList(&out, rules, r, false)
			fmt.Fprintf(&out, "        %s, tests:\n", name(r.part))
			writeList(&out, rules, r, true)
		}
	}
	return out.String()
}

func writeList(out *strings.Builder, rules []rule, r rule, test bool) {
	parts := append(r.parts(test), r.part)
	refused := slices.Concat(hosts, hidden(rules, parts))
	if !test {
		refused = append(refused, r.not...)
	}
	// The linter looks a path up among sorted prefixes, and go.uber.org would hide $gostd's "go" from go/parser.
	allow := []string{"$gostd", "go/"}
	for _, p := range parts {
		allow = append(allow, importPath(p))
	}
	allow = append(allow, r.others(test)...)
	fmt.Fprintf(out, "          list-mode: strict\n")
	fmt.Fprintf(out, "          files: [%s]\n", strings.Join(globs(rules, r.part, test), ", "))
	fmt.Fprintf(out, "          allow:\n            - %s\n", strings.Join(allow, "\n            - "))
	fmt.Fprintf(out, "          deny:\n")
	for i, p := range refused {
		anchor := strings.NewReplacer("/", "-", ".", "root").Replace(r.part)
		text := "*" + anchor
		if i == 0 && !test {
			text = fmt.Sprintf("&%s %q", anchor, r.reason())
		}
		fmt.Fprintf(out, "            - {pkg: %s, desc: %s}\n", p, text)
	}
}

// globs are the files of a part, in the linter's language: without those of the parts that lie in it.
func globs(rules []rule, part string, test bool) []string {
	in := func(p string) string {
		switch {
		case p == "." && test:
			return `"${config-path}/*_test.go"`
		case p == ".":
			return `"${config-path}/*.go"`
		case test:
			return `"${config-path}/` + p + `/**_test.go"`
		}
		return `"${config-path}/` + p + `/**.go"`
	}
	out := []string{in(part)}
	for _, p := range inside(rules, part) {
		out = append(out, `"!`+in(p)[1:])
	}
	if !test {
		out = append(out, `"!$test"`)
	}
	return out
}

// hidden are the import paths of parts that lie in an allowed part, and aren't allowed themselves.
func hidden(rules []rule, allowed []string) []string {
	var out []string
	for _, part := range allowed {
		for _, p := range inside(rules, part) {
			if !slices.Contains(allowed, p) {
				out = append(out, importPath(p))
			}
		}
	}
	return out
}

// inside are the parts that lie in another.
func inside(rules []rule, part string) []string {
	var out []string
	for _, r := range rules {
		if r.part != part && within(r.part, part) {
			out = append(out, r.part)
		}
	}
	return out
}

func importPath(part string) string {
	if part == "." {
		return module + "$" // $: this package alone
	}
	return module + "/" + part
}
