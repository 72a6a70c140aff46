package muster_test

import (
	"os"
	"strings"
	"testing"
)

// The README's code is a program that CI runs.
func TestReadmeCodeIsAnExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("examples/words/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	code, _, found := strings.Cut(rest, "```")
	if !found || !strings.Contains(string(program), code) {
		t.Errorf("examples/words has not:\n%s", code)
	}
}
