package source

import (
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/musterrun/muster/fingerprint"
)

// answers is the code of a file in the stand-in for muster: a program tells the fingerprint and the result of each
// function that it calls.
const answers = `package muster

import (
	"fmt"

	"github.com/musterrun/muster/fingerprint"
)

func init() {
	called = func(name string, out any) {
		code, err := fingerprint.Of(name)
		state := "fresh"
		if err != nil || code.Reason != nil {
			state = fmt.Sprint(code.Reason, err)
		}
		fmt.Printf("\n%s answers %s %q %q\n", name, code.ID, state, fmt.Sprint(out))
	}
}
`

// mainTest runs the program under go test.
const mainTest = "package main\n\nimport \"testing\"\n\nfunc TestMainRuns(t *testing.T) { main() }\n"

// newStandIn has the real package fingerprint. Programs that are linked with it and not with the whole of muster start
// in a quarter of the time.
func newStandIn(t *testing.T) standIn {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{"testdata/muster": ".", "../../fingerprint": "fingerprint"} {
		names, err := filepath.Glob(filepath.Join(from, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if fingerprint.Counted(filepath.Base(name)) { // no test
				write(t, dir, filepath.Join(to, filepath.Base(name)), read(t, name, ""))
			}
		}
	}
	needs := regexp.MustCompile(`github\.com/(zeebo/blake3|klauspost/cpuid/v2) v\S+`).FindAllString(read(t, "../..", "go.mod"), -1)
	s := standIn{dir: dir, sums: read(t, "../..", "go.sum")}
	s.requires = "\nrequire (\n\t" + strings.Join(needs, " // indirect\n\t") + " // indirect\n)\n"
	write(t, dir, "go.mod", read(t, "testdata/muster", "go.mod")+s.requires)
	write(t, dir, "answers.go", answers)
	return s
}

// outcome is what an analysis and the programs say after an edit.
type outcome struct {
	function Function
	said     map[string]said // by the command
}

// said is a program's answer about f.
type said struct{ id, state, result string }

// afterEdit analyses an archive's program when it was edited, and runs it.
func afterEdit(t *testing.T, archive, script string, muster standIn, how []string) outcome {
	t.Helper()
	return tryOut(t, newEdited(t, archive, script, muster), how)
}

// newEdited writes an archive's files and makes an edit, if script isn't empty.
func newEdited(t *testing.T, archive, script string, muster standIn) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeModule(t, dir, archive, muster)
	if script != "" {
		edit(t, dir, script)
	}
	return dir
}

// tryOut analyses a program and runs it.
func tryOut(t *testing.T, dir string, how []string) outcome {
	t.Helper()
	o := outcome{function: prepare(t, dir), said: map[string]said{}}
	if testing.Short() {
		how = nil
	}
	for _, way := range how {
		o.said[way] = hear(t, start(t, dir, way))
	}
	return o
}

// prepare analyses a program and writes what is generated.
func prepare(t *testing.T, dir string) Function {
	t.Helper()
	m := analyseDir(t, dir)
	f := function(t, m, "f")
	if f.Fingerprint == "" {
		t.Fatalf("no fingerprint: %s", f.opaque)
	}
	if _, err := m.WriteFiles(); err != nil {
		t.Fatal(err)
	}
	return f
}

// ways are the ways to start a program.
var ways = []string{"go run", "go build", "go test"}

// start runs a program. With -trimpath the build cache has what another test compiled in another folder, and what an
// earlier run of the test did; with -w there is less to link, as go run and go test do it. It returns what the program
// printed, on the standard error too.
func start(t *testing.T, dir, way string) string {
	t.Helper()
	switch way {
	case "go run":
		return output(t, dir, "go", "run", "-trimpath", ".")
	case "go build":
		exe := filepath.Join(t.TempDir(), "program.exe")
		output(t, dir, "go", "build", "-trimpath", "-ldflags=-w", "-o", exe, ".")
		return output(t, dir, exe)
	default:
		write(t, dir, "main_test.go", mainTest)
		return output(t, dir, "go", "test", "-trimpath", "-count=1", "-vet=off", "-v", ".")
	}
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

var (
	answerOfF = regexp.MustCompile(`(?m)^f answers (\w*) "(.*?)" "(.*)"$`)
	address   = regexp.MustCompile(`0x[0-9a-f]+`)
)

func hear(t *testing.T, out string) said {
	t.Helper()
	found := answerOfF.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no answer in %s", out)
	}
	return said{found[1], found[2], address.ReplaceAllString(found[3], "0x")}
}

// compare wants the fingerprint to be the same, or another one, in the analysis and in the programs. Whatever is
// expected, a function that returns something else must have another fingerprint.
func (o outcome) compare(t *testing.T, before outcome, same bool) {
	t.Helper()
	changes := Explain(before.function.Units, o.function.Units)
	if (before.function.Fingerprint == o.function.Fingerprint) != same {
		t.Errorf("same = %v, want %v: %v\n%v", !same, same, changes, keys(o.function))
	}
	if same != (len(changes) == 0) {
		t.Errorf("explained by %v", changes)
	}
	for how, now := range o.said {
		was := before.said[how]
		if now.state != "fresh" || was.state != "fresh" {
			t.Errorf("%s: %s; before: %s", how, now.state, was.state)
		}
		if (now.id == was.id) != same {
			t.Errorf("%s: fingerprint %s, before %s: same = %v, want %v", how, now.id, was.id, !same, same)
		}
		if now.id == was.id && now.result != was.result {
			t.Errorf("%s: a stale hit: %s, before %s", how, now.result, was.result)
		}
	}
}

// agree wants the same answer in all ways.
func (o outcome) agree(t *testing.T) {
	t.Helper()
	answers := map[said]bool{}
	for s := range maps.Values(o.said) {
		answers[s] = true
	}
	if len(answers) > 1 {
		t.Errorf("the programs disagree: %v", o.said)
	}
}
