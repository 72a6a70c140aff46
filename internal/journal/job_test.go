package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	task := func(k byte, fn string, status Status) Record { return Record{Key: Key{k}, Func: fn, Status: status} }
	run(t, dir, task(1, "f", OK), task(2, "f", Failed), task(3, "g", Failed),
		Record{Key: Key{4}, Func: "m", Status: Failed, To: 100}, Record{Key: Key{4}, Func: "m", Status: OK, From: 100, To: 150})
	run(t, dir, task(2, "f", OK), task(3, "g", Failed), Record{Key: Key{4}, Func: "m", Status: OK, To: 90})
	d, err := Describe(dir, "job")
	if err != nil {
		t.Fatal(err)
	}
	want := []Count{{"m", 140, 0}, {"f", 2, 0}, {"g", 0, 1}}
	if !slices.Equal(d.Counts, want) {
		t.Errorf("counts are %+v, want %+v", d.Counts, want)
	}
	if len(d.Runs) != 2 || d.Runs[1].Epoch != 2 || d.Runs[1].Host != "here" || d.Runs[1].PID != os.Getpid() {
		t.Errorf("runs are %+v", d.Runs)
	}
	info, err := os.Stat(path(dir))
	if err != nil || d.Size != info.Size() || !d.Used.Equal(info.ModTime()) || d.Open || d.Damaged != 0 || d.Name != "job" {
		t.Errorf("it is %+v, %v", d, err)
	}
}

// Looking at a job changes nothing: one may have been copied here without its lock.
func TestDescribeMakesNothing(t *testing.T) {
	dir := t.TempDir()
	run(t, dir)
	lock := filepath.Join(dir, "job", lockName)
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if d, err := Describe(dir, "job"); err != nil || d.Open || len(d.Runs) != 1 {
		t.Errorf("it is %+v, %v", d, err)
	}
	if _, err := os.Stat(lock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock: %v", err)
	}
}

// An open job can be described, also in the middle of a record, and isn't changed by that.
func TestDescribeOpen(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, Record{Key: Key{1}, Func: "f", Status: OK})
	j := open(t, dir)
	if _, err := j.file.WriteAt([]byte("half a record"), j.end); err != nil {
		t.Fatal(err)
	}
	d, err := Describe(dir, "job")
	if err != nil || !d.Open || d.Damaged != 0 || len(d.Runs) != 2 || len(d.Counts) != 1 || d.Size != j.end+13 {
		t.Errorf("it is %+v, %v", d, err)
	}
	closed(t, j)
	if d, err := Describe(dir, "job"); err != nil || d.Open {
		t.Errorf("then it is %+v, %v", d, err)
	}
}

func TestDescribeMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"none", "empty"} {
		_, err := Describe(dir, name)
		for _, err := range []error{err, Remove(dir, name)} {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "job "+name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "empty")); err != nil {
		t.Error("a folder that is no job is removed")
	}
	if all, err := List(filepath.Join(dir, "none")); len(all) != 0 || err != nil {
		t.Errorf("a missing folder has the jobs %v, %v", all, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
		t.Errorf("looking makes files: %v, %v", entries, err)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"old", "new", "middle", "bad"} {
		j, err := Open(dir, name, Run{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		closed(t, j)
		used := time.Unix(int64(1000+i*7%5), 0) // 0, 2, 4, 1
		if err := os.Chtimes(filepath.Join(dir, name, fileName), used, used); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "bad", fileName), []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"other", ".git", "a b"} {
		if err := os.MkdirAll(filepath.Join(dir, folder, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(dir)
	if !errors.Is(err, ErrFormat) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "job bad") {
		t.Errorf("the error is %v", err)
	}
	var names []string
	for _, j := range all {
		names = append(names, j.Name)
	}
	if !slices.Equal(names, []string{"middle", "new", "old"}) {
		t.Errorf("jobs are %v", names)
	}
	if _, err := List(filepath.Join(dir, "file")); err == nil {
		t.Error("a file is listed")
	}
}

func TestCheckName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "A-1_b.c", "0", strings.Repeat("x", 100)} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	long := strings.Repeat("x", 101)
	for _, name := range []string{"", ".", "..", ".a", "-a", "_a", "a.", "a/b", `a\b`, "a b", "ä", "a:b", "a\x00", "\xff", long} {
		_, opened := Open(dir, name, Run{}, nil)
		_, described := Describe(dir, name)
		for _, err := range []error{CheckName(name), opened, described, Remove(dir, name)} {
			if err == nil || !strings.Contains(err.Error(), "a job's name is of up to 100 letters") {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("%v is made, %v", entries, err)
	}
}

// A folder that can't be made, and one that can't be written, are errors that name it.
func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, "job", Run{}, nil); err == nil || !strings.Contains(err.Error(), "open job job: mkdir") {
		t.Errorf("below a file: %v", err)
	}
	for _, name := range []string{fileName, lockName} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "job", name), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, "job", Run{}, nil); err == nil || !strings.Contains(err.Error(), filepath.Join("job", name)) {
			t.Errorf("%s is a folder: %v", name, err)
		}
	}
}

// Names that differ by case are different jobs on every file system.
func TestNamesDifferByCase(t *testing.T) {
	dir := t.TempDir()
	folders := map[string]string{"Nightly-A": "=nightly-=a", "nightly-A": "nightly-=a", "nightly-a": "nightly-a"}
	for name, folder := range folders {
		j, err := Open(dir, name, Run{}, nil)
		if err != nil || j.Opened().Epoch != 1 {
			t.Fatal(name, err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, folder, fileName)); err != nil {
			t.Error(err)
		}
	}
	for _, other := range []string{"Nightly", "=", "a=", "a==b", "=-", "=ü"} { // none of them is a job's
		if err := os.Mkdir(filepath.Join(dir, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	jobs, err := List(dir)
	if err != nil || len(jobs) != len(folders) {
		t.Fatal(jobs, err)
	}
	for _, j := range jobs {
		if folders[j.Name] == "" {
			t.Errorf("a job %q", j.Name)
		}
		if err := Remove(dir, j.Name); err != nil {
			t.Error(err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*nightly*")); len(names) != 0 {
		t.Error("left:", names)
	}
}
