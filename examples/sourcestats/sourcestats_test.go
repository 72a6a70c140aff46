package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/mustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree writes a small source tree and gives its folder.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, src := range map[string]string{
		"a/one.go":   "package a\n\nimport \"fmt\"\n\nfunc Hello(name string) {\n\tfmt.Println(name)\n}\n",
		"a/two.go":   "package a\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\ntype T struct{}\n\nfunc (t *T) Run() { fmt.Fprintln(os.Stdout) }\n",
		"b/three.go": "package b\n\nfunc long() {\n\n\n\n\n}\n\nfunc short() {}\n",
		"b/bad.go":   "package b\n\nfunc {\n",
		"b/notes.md": "not Go",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(src), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func found(t *testing.T, paths ...string) []File {
	t.Helper()
	files, err := find(paths)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTables(t *testing.T) {
	dir := tree(t)
	s, err := withMuster(mustertest.Context(t), found(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	printTables(&out, s, 2)
	printSummary(&out, s, 1500*time.Microsecond)
	printUnparsed(&out, s, false)
	want := `PACKAGE  FILES  LINES  FUNCTIONS  LONGEST FUNCTION
a        2      17     2          Hello (3 lines)
b        1      10     2          long (6 lines)

MOST IMPORTED  FILES
fmt            2
os             1

MOST USED IDENTIFIER  TIMES
T                     2
a                     2

4 files, 0.0 MB, 27 lines, 4 functions in 2ms on ` + group(runtime.GOMAXPROCS(0)) + ` cores
files that don't parse: 1
  ` + filepath.Join(dir, "b", "bad.go") + `:3:6: expected 'IDENT', found '{'
`
	if got := strings.ReplaceAll(out.String(), "  \n", "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWaysAgree(t *testing.T) {
	goroot := runtime.GOROOT() //nolint:staticcheck // where the Go of this test is
	for _, paths := range [][]string{{tree(t)}, {filepath.Join(goroot, "src", "go")}} {
		files := found(t, paths...)
		var first totals
		for way, do := range ways {
			s, err := do(mustertest.Context(t), files)
			if err != nil {
				t.Fatal(way, err)
			}
			got, err := totalsOf(s)
			if err != nil {
				t.Fatal(err)
			}
			if first == (totals{}) {
				first = got
			}
			if got != first {
				t.Errorf("%s: %+v, want %+v", way, got, first)
			}
		}
	}
}

func TestMergeIsInAnyOrderAndChangesNothing(t *testing.T) {
	ctx := context.Background()
	var parts []Stats
	for _, f := range found(t, tree(t)) {
		s, err := count(ctx, []File{f})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, s)
	}
	before, err := totalsOf(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	all, _ := merge(ctx, parts)
	left, _ := merge(ctx, parts[:2])
	right, _ := merge(ctx, parts[2:])
	tree, _ := merge(ctx, []Stats{right, left})
	a, _ := totalsOf(all)
	if b, _ := totalsOf(tree); a != b {
		t.Error(a, b)
	}
	if after, _ := totalsOf(parts[0]); after != before {
		t.Error("an argument was changed")
	}
	if none, err := merge(ctx, nil); err != nil || none.Files != 0 {
		t.Error(none, err)
	}
}

func TestBatchesHoldEachFileOnce(t *testing.T) {
	var files []File
	for i := range 100 {
		files = append(files, File{Path: group(i), Bytes: int64(i * 1000)})
	}
	for _, size := range []int64{1, 10_000, 1 << 40} {
		var back []File
		for _, b := range batches(files, size) {
			back = append(back, b...)
		}
		if !reflect.DeepEqual(back, files) {
			t.Error(size, len(back))
		}
	}
	if got := batchBytes(files, 1); got != 309_375 {
		t.Error(got)
	}
}

func TestWrongPaths(t *testing.T) {
	if _, err := find([]string{filepath.Join(t.TempDir(), "nowhere")}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	if _, err := find([]string{t.TempDir()}); err == nil || !strings.HasPrefix(err.Error(), "no Go files in ") {
		t.Error(err)
	}
	gone := []File{{Path: filepath.Join(t.TempDir(), "gone.go"), Bytes: 1}}
	for way, do := range ways {
		if _, err := do(mustertest.Context(t), gone); err == nil || !strings.Contains(err.Error(), "gone.go") {
			t.Error(way, err)
		}
	}
}

func TestMedianIsOfEachFigure(t *testing.T) {
	m := median([]sample{{wall: 1, cpu: 9, rss: 5}, {wall: 2, cpu: 8, rss: 4}, {wall: 3, cpu: 7, rss: 9}})
	if m != (sample{wall: 2, cpu: 8, rss: 5}) {
		t.Error(m)
	}
}

func TestSpread(t *testing.T) {
	var all []sample
	for _, ms := range []int64{1700, 1600, 1650, 1640, 2000} {
		all = append(all, sample{wall: time.Duration(ms * 1e6)})
	}
	if got := spread(all, "%.2f", "s", func(s sample) float64 { return s.wall.Seconds() }); got != "1.65 (1.60 to 2.00) s" {
		t.Error(got)
	}
	if got := spread(all, "%.0f", "MB", func(s sample) float64 { return float64(s.rss) }); got != "-" {
		t.Error(got)
	}
}
