package join

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"errors"
)

func ann() Identity {
	return Identity{
		Cluster: "c1", Name: "ann", Role: RoleUser, URLs: []string{"tls://127.0.0.1:1"}, Join: []string{"127.0.0.1:2"},
		CA: "CA", JWT: "JWT", Seed: "SECRET",
	}
}

func oneLine(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want a line with %q", err, words)
	}
}

// An identity is the same after it was saved, and nobody else may read it.
func TestSaveIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "ann.json")
	for range 2 {
		if err := ann().Save(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(path)
	if err != nil || got.String() != ann().String() || got.Seed != "SECRET" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Load(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700 | fs.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, want %v: %v", name, info.Mode(), want, err)
		}
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		oneLine(t, err, "chmod 600 "+path)
	}
}

// Files that aren't an identity are refused.
func TestDamagedIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ann.json")
	for content, words := range map[string]string{
		"": "damaged", "{": "damaged", "{}": "no address", `{"urls":["x"]}`: "who it is for",
		`{"urls":["x"],"name":"a","cluster":"c"}`: "no certificate",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		oneLine(t, err, words)
	}
}

// No way to print an identity or a token shows the secret.
func TestSecrets(t *testing.T) {
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "identity", ann())
	token := Token{ID: "ab", Secret: [16]byte([]byte("0123456789abcdef"))}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", ann(), ann(), ann(), ann()), log.String(), fmt.Sprintf("%#v", token)} {
		if strings.Contains(text, "SECRET") || strings.Contains(text, "012345") || strings.Contains(text, "0x30") {
			t.Error(text)
		}
	}
}

// Contexts are found by name, and one of them is the current one.
func TestContexts(t *testing.T) {
	t.Setenv("MUSTER_CONFIG", t.TempDir())
	c, err := UserContexts()
	if err != nil {
		t.Fatal(err)
	}
	names, err := c.List()
	if err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
	_, err = c.Load("")
	oneLine(t, err, "muster up")
	for _, name := range []string{"one", "two"} {
		id := ann()
		id.Name = name
		if err := c.Save(name, id); err != nil {
			t.Fatal(err)
		}
	}
	current := func(want string) {
		t.Helper()
		if got, err := c.Current(); err != nil || got != want {
			t.Errorf("the current context is %q, want %q: %v", got, want, err)
		}
	}
	current("one")
	if err := c.Use("two"); err != nil {
		t.Fatal(err)
	}
	current("two")
	if id, err := c.Load(""); err != nil || id.Name != "two" {
		t.Errorf("%v, %v", id, err)
	}
	if names, err = c.List(); err != nil || fmt.Sprint(names) != "[one two]" {
		t.Errorf("%v, %v", names, err)
	}
	if err := c.Remove("two"); err != nil {
		t.Fatal(err)
	}
	current("")
	oneLine(t, c.Use("two"), "muster context ls")
	oneLine(t, c.Use(""), "which context")
	oneLine(t, c.Remove("two"), "two")
	for _, name := range []string{"", "../x", "a/b", ".x", strings.Repeat("x", 65)} {
		if err := c.Save(name, ann()); err == nil {
			t.Errorf("%q is a context", name)
		}
	}
}

// Pauses between connects grow, are bounded, and never zero.
func TestReconnectDelay(t *testing.T) {
	for attempts := range 1000 {
		if d := reconnectDelay(attempts); d < 25*time.Millisecond || d > 2*time.Second {
			t.Errorf("after %d attempts %v", attempts, d)
		}
	}
}
