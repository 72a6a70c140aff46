package vet_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/musterrun/muster/internal/vet"
)

// module writes the packages under testdata as a module that depends on the stub of muster, and gives its folder.
func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for to, from := range map[string]string{"app": "testdata/src/example.com", "muster": "testdata/src/github.com/musterrun/muster"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	app := filepath.Join(dir, "app")
	writeFile(t, filepath.Join(dir, "muster", "go.mod"), "module github.com/musterrun/muster\n\ngo 1.26\n")
	writeFile(t, filepath.Join(app, "go.mod"), "module example.com\n\ngo 1.26\n\n"+
		"require github.com/musterrun/muster v0.0.0\n\nreplace github.com/musterrun/muster => ../muster\n")
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	return app
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestDriversAgree holds what go vet -vettool says about a module to what Run says: facts pass through files in the one
// and through memory in the other. That both are right is for TestChecks to say, on the same packages.
func TestDriversAgree(t *testing.T) {
	dir := module(t)
	var out bytes.Buffer
	n, err := vet.Run(t.Context(), dir, []string{"./..."}, &out, true)
	if err != nil {
		t.Fatal(err)
	}
	var run []vet.Finding
	if err := json.Unmarshal(out.Bytes(), &run); err != nil {
		t.Fatal(err)
	}
	if n != len(run) || n < 50 || len(slices.Compact(slices.Clone(run))) != n {
		t.Errorf("%d findings, %d in the JSON, perhaps some twice", n, len(run))
	}
	unit := goVet(t, dir, "-json")
	for _, f := range run {
		if !slices.Contains(unit, f) {
			t.Errorf("only Run says: %v", f)
		}
	}
	for _, f := range unit {
		if !slices.Contains(run, f) {
			t.Errorf("only go vet says: %v", f)
		}
	}
}

// TestOtherModulesAreNotRead checks a function that asks another module for the time: it would be a finding if the
// module were the user's own.
func TestOtherModulesAreNotRead(t *testing.T) {
	work := filepath.Join(module(t), "..")
	user := filepath.Join(work, "user")
	for _, dir := range []string{filepath.Join(work, "dep"), user} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(work, "dep", "go.mod"), "module dep.example\n\ngo 1.26\n")
	writeFile(t, filepath.Join(work, "dep", "dep.go"), "package dep\n\nimport \"time\"\n\nfunc Now() time.Time { return time.Now() }\n")
	writeFile(t, filepath.Join(user, "go.mod"), "module user.example\n\ngo 1.26\n\n"+
		"require (\n\tdep.example v1.0.0\n\tgithub.com/musterrun/muster v0.0.0\n)\n\n"+
		"replace (\n\tdep.example => ../dep\n\tgithub.com/musterrun/muster => ../muster\n)\n")
	writeFile(t, filepath.Join(user, "user.go"), `package user

import (
	"time"

	"dep.example"
	"github.com/musterrun/muster"
)

var F = muster.Func("f", muster.Plain(func(int) time.Time { return dep.Now() }), muster.Cached())
`)
	var out strings.Builder
	if n, err := vet.Run(t.Context(), user, []string{"./..."}, &out, false); n != 0 || err != nil {
		t.Error(n, err, out.String())
	}
	if out := command(t, user, 0); len(out) > 0 {
		t.Errorf("%s", out)
	}
}

// goVet runs go vet with this test binary as its tool, and gives what it prints with -json.
func goVet(t *testing.T, dir string, flags ...string) (found []vet.Finding) {
	t.Helper()
	data := command(t, dir, 0, flags...)
	var plain []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte("#")) { // names of packages
			plain = append(plain, line...)
		}
	}
	for dec := json.NewDecoder(bytes.NewReader(plain)); ; {
		var tree map[string]map[string][]struct{ Posn, Message string }
		err := dec.Decode(&tree)
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		for _, byCheck := range tree {
			for check, list := range byCheck {
				for _, d := range list {
					found = append(found, finding(t, dir, check, d.Posn, d.Message))
				}
			}
		}
	}
}

func finding(t *testing.T, dir, check, posn, message string) vet.Finding {
	t.Helper()
	parts := strings.Split(posn, ":")
	k := len(parts) - 2
	line, err1 := strconv.Atoi(parts[k])
	col, err2 := strconv.Atoi(parts[k+1])
	file, err3 := filepath.Rel(dir, strings.Join(parts[:k], ":"))
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(posn, err1, err2, err3)
	}
	return vet.Finding{File: file, Line: line, Col: col, Check: check, Message: message}
}

// command runs go vet and gives its output, both streams.
func command(t *testing.T, dir string, code int, args ...string) []byte {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", slices.Concat([]string{"vet", "-vettool=" + self}, args, []string{"./..."})...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("%v: %v, want exit code %d\n%s", cmd.Args, err, code, out)
	}
	return out
}

// TestGoVet is what a user types: findings as lines, an exit code, and a flag for a check.
func TestGoVet(t *testing.T) {
	dir := module(t)
	out := string(command(t, dir, 1, "-execctx"))
	if !strings.Contains(out, "execctx/app/app.go:13:10: exec.Command starts a process") || strings.Contains(out, "dropped") {
		t.Error(out)
	}
	if out := command(t, dir, 1); !bytes.Contains(out, []byte("the result of With is dropped")) {
		t.Errorf("%s", out)
	}
}

func TestIsUnit(t *testing.T) {
	for _, c := range []struct {
		args string
		want bool
	}{
		{"", false},
		{"-V=full", true},
		{"-flags", true},
		{"/tmp/b001/vet.cfg", true},
		{"-json -execctx=true /tmp/b001/vet.cfg", true},
		{"vet ./...", false},
		{"vet x.cfg", false},
		{"-flags vet", false},
		{"-json", false},
		{"-V=full vet", false},
	} {
		if got := vet.IsUnit(strings.Fields(c.args)); got != c.want {
			t.Errorf("%q: %v", c.args, got)
		}
	}
}
