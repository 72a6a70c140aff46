package fingerprint

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
)

// counting counts what is read.
type counting struct {
	fstest.MapFS
	n *int
}

func (c counting) ReadFile(name string) ([]byte, error) {
	*c.n++
	return c.MapFS.ReadFile(name)
}

func TestSumCountsNamesAndContents(t *testing.T) {
	base := map[string]string{"a.go": "x", "b.go": "yz"}
	sum := func(files map[string]string) string {
		var names []string
		for n := range files {
			names = append(names, n)
		}
		s, err := Sum(names, func(name string) ([]byte, error) { return []byte(files[name]), nil })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, other := range map[string]map[string]string{
		"content":  {"a.go": "X", "b.go": "yz"},
		"boundary": {"a.go": "xy", "b.go": "z"},
		"name":     {"a.go": "x", "c.go": "yz"},
		"new":      {"a.go": "x", "b.go": "yz", "c.go": ""},
		"gone":     {"a.go": "x"},
	} {
		if sum(other) == sum(base) {
			t.Errorf("%s doesn't count", name)
		}
	}
	if sum(map[string]string{"b.go": "yz", "a.go": "x"}) != sum(base) || len(sum(base)) != 32 {
		t.Error("the order of names counts, or the sum hasn't 32 digits")
	}
	twice, err := Sum([]string{"a.go", "b.go", "a.go"}, func(name string) ([]byte, error) { return []byte(base[name]), nil })
	if err != nil || twice != sum(base) {
		t.Errorf("a name that stands twice counts twice: %v", err)
	}
}

func TestSumReportsWhatCannotBeRead(t *testing.T) {
	_, err := Sum([]string{"a.go"}, func(string) ([]byte, error) { return nil, fs.ErrPermission })
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestCounted(t *testing.T) {
	for name, want := range map[string]bool{
		"a.go": true, "a_test.go": false, File: false, "sub/" + File: true, "sub/a_test.go": true, "a.s": true, "data.txt": true,
	} {
		if Counted(name) != want {
			t.Errorf("%s counts: %v, want %v", name, !want, want)
		}
	}
	a := files("package a")
	edited := files("package a")
	edited["a_test.go"] = &fstest.MapFile{Data: []byte("other")}
	edited[File] = &fstest.MapFile{Data: []byte("other")}
	if mustSum(a) != mustSum(edited) {
		t.Error("a test or the generated file counts")
	}
	edited["sub/x_test.go"] = &fstest.MapFile{Data: []byte("other")}
	if mustSum(a) == mustSum(edited) {
		t.Error("an embedded file in a folder doesn't count")
	}
}
