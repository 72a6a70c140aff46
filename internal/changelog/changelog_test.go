package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const good = "Bugfix: keep the order\n\nIt was lost.\n\nIt is kept now,\nalways.\n"

func TestParse(t *testing.T) {
	f, err := parse(strings.ReplaceAll(good, "\n", "\r\n"))
	if err != nil || f.kind != "Bugfix" || f.title != "keep the order" || len(f.body) != 2 || f.body[1] != "It is kept now,\nalways." {
		t.Fatalf("%q, %v", f, err)
	}
	for text, want := range map[string]string{
		"":                       "`Kind: title`",
		"Fix: a\n\nb\n\nc":       "`Kind: title`",
		"Bugfix a\n\nb\n\nc":     "`Kind: title`",
		"Bugfix: \n\nb\n\nc":     "one line",
		"Bugfix: a\nb\n\nc\n\nd": "one line",
		"Bugfix: a.\n\nb\n\nc":   "full stop",
		"Bugfix: a\n\nb":         "two paragraphs",
		"Bugfix: a\n\n# b\n\nc":  "no headings",
		"Bugfix: " + strings.Repeat("ä", 81) + "\n\nb\n": "81 characters",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var day = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func TestWriteCheckRelease(t *testing.T) {
	root := tree(t, map[string]string{
		"changelog/README.md":                 "how",
		"changelog/0.9.0_2025-01-02/a.md":     "Enhancement: nine\n\np\n\nq\n",
		"changelog/0.10.0_2025-02-03/a.md":    "Enhancement: ten\n\np\n\nq\n",
		"changelog/unreleased/a-new-thing.md": "Enhancement: a new thing\n\nNot there.\n\nThere.\n",
		"changelog/unreleased/order.md":       good,
		"CHANGELOG.md":                        "old",
	})
	if err := run(root, true, "", day); err == nil || !strings.Contains(err.Error(), "go run ./internal/changelog") {
		t.Error("-check accepts an old CHANGELOG.md:", err)
	}
	for _, version := range []string{"0.9.0", "1.0", "x"} {
		if err := run(root, false, version, day); err == nil || !strings.Contains(err.Error(), version) {
			t.Errorf("-version %s: error %v", version, err)
		}
	}
	if err := run(root, false, "0.11.0", day); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, "", day); err != nil {
		t.Error("-check after writing:", err)
	}
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := intro + `
## 0.11.0 (2026-02-03)

### Bugfix: keep the order

It was lost.

It is kept now,
always.

### Enhancement: a new thing

Not there.

There.

## 0.10.0 (2025-02-03)

### Enhancement: ten

p

q

## 0.9.0 (2025-01-02)

### Enhancement: nine

p

q
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if err := run(root, false, "0.12.0", day); err == nil {
		t.Error("a version without fragments was released")
	}
}

func TestBadFolders(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"changelog/unreleased/a.txt", good, "changelog/unreleased/a.txt: a fragment is a file"},
		{"changelog/unreleased/a.md", "x", "changelog/unreleased/a.md: the first line"},
		{"changelog/v1/a.md", good, "changelog/v1: a folder is unreleased"},
	} {
		root := tree(t, map[string]string{c.file: c.text, "CHANGELOG.md": ""})
		if err := run(root, true, "", day); err == nil || !strings.Contains(filepath.ToSlash(err.Error()), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.file, err, c.want)
		}
	}
}
