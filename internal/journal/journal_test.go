package journal

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// one is the code of every function here.
func one(fn string) func() Code {
	return func() Code { return Code{Func: fn, Kind: ByVersion, ID: "1"} }
}

// keyOf is the key of the i-th call of a test.
func keyOf(name string, i int) Key {
	return Mix(name, binary.AppendUvarint(nil, uint64(i)))
}

// valueOf is what a call gives: n bytes that follow from its key.
func valueOf(k Key, n int) []byte {
	return bytes.Repeat(k[:], n/len(k)+1)[:n]
}

func open(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, "job", Run{Host: "here", PID: os.Getpid(), Program: []string{"prog", "-x"}, Started: time.Unix(1, 0)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closed(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// run opens the job once and appends records.
func run(t testing.TB, dir string, records ...Record) {
	t.Helper()
	j := open(t, dir)
	for _, r := range records {
		j.Append(r, one(r.Func))
	}
	closed(t, j)
}

// wantTask checks what a journal knows of a call.
func wantTask(t testing.TB, j *Journal, k Key, status Status, data string) {
	t.Helper()
	e, ok := j.Task(k)
	if !ok || e.Status != status {
		t.Fatalf("task %v: found %v, status %d, want %d", k, ok, e.Status, status)
	}
	wantData(t, j, e, data)
}

func wantData(t testing.TB, j *Journal, e Entry, data string) {
	t.Helper()
	got, err := j.Read(e)
	if err != nil || string(got) != data {
		t.Fatalf("read %.60q, %v, want %.60q", got, err, data)
	}
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	long := string(valueOf(Key{7}, checkedAtOnce+1))
	j := open(t, dir)
	if o := j.Opened(); o != (Opened{Epoch: 1}) {
		t.Fatalf("a new job opens with %+v", o)
	}
	j.Append(Record{Key: Key{1}, Func: "f", Status: OK, Attempt: 3, Data: []byte("a")}, one("f"))
	j.Append(Record{Key: Key{2}, Func: "g", Status: Failed, Data: []byte("b")}, one("g"))
	j.Append(Record{Key: Key{3}, Func: "f", Status: OK}, one("f"))
	j.Append(Record{Key: Key{4}, Func: "f", Status: OK, Data: []byte(long)}, one("f"))
	j.Append(Record{Key: Key{5}, Func: "m", Status: OK, From: 10, To: 20, Inputs: Key{9}, Data: []byte("c")}, one("m"))
	j.Append(Record{Key: Key{5}, Func: "m", Status: Failed, To: 10, Inputs: Key{8}, Data: []byte("d")}, one("m"))
	if _, ok := j.Task(Key{1}); ok {
		t.Error("this run's own outcomes are found")
	}
	closed(t, j)

	j = open(t, dir)
	defer closed(t, j)
	if o := j.Opened(); o != (Opened{Epoch: 2, Records: 6}) {
		t.Errorf("it opens again with %+v", o)
	}
	wantTask(t, j, Key{1}, OK, "a")
	wantTask(t, j, Key{2}, Failed, "b")
	wantTask(t, j, Key{3}, OK, "")
	wantTask(t, j, Key{4}, OK, long)
	if _, ok := j.Task(Key{5}); ok {
		t.Error("a range is found as a task")
	}
	r := j.Ranges(Key{5})
	if len(r) != 2 || r[0].From != 0 || r[0].To != 10 || r[0].Inputs != (Key{8}) || r[0].Status != Failed ||
		r[1].From != 10 || r[1].To != 20 || r[1].Inputs != (Key{9}) || r[1].Status != OK {
		t.Fatalf("ranges are %+v", r)
	}
	wantData(t, j, r[0], "d")
	wantData(t, j, r[1], "c")
	if len(j.Ranges(Key{1})) != 0 {
		t.Error("a task has ranges")
	}
	if c, ok := j.Code("g"); !ok || c != (Code{"g", ByVersion, "1"}) {
		t.Errorf("the code of g is %+v, %v", c, ok)
	}
	if _, ok := j.Code("h"); ok {
		t.Error("h, which was never called, has code")
	}
}

func TestRuns(t *testing.T) {
	dir := t.TempDir()
	task := func(status Status, data string) Record {
		return Record{Key: Key{1}, Func: "f", Status: status, Data: []byte(data)}
	}
	items := func(from, to int, data string) Record {
		return Record{Key: Key{2}, Func: "m", Status: OK, From: from, To: to, Data: []byte(data)}
	}
	run(t, dir, task(Failed, "first failure"), items(0, 5, "old"), items(5, 9, "kept"))
	run(t, dir, task(Failed, "second failure"))
	j := open(t, dir)
	wantTask(t, j, Key{1}, Failed, "second failure")
	closed(t, j)
	run(t, dir, task(OK, "success"), items(0, 7, "new"))
	run(t, dir, task(OK, "second success"), task(Failed, "third failure"))

	j = open(t, dir)
	defer closed(t, j)
	wantTask(t, j, Key{1}, OK, "success")
	r := j.Ranges(Key{2})
	if len(r) != 2 || r[0].To != 7 || r[1].From != 5 {
		t.Fatalf("ranges are %+v", r)
	}
	wantData(t, j, r[0], "new")
	wantData(t, j, r[1], "kept")
	if o := j.Opened(); o != (Opened{Epoch: 6, Records: 8}) {
		t.Errorf("it opens with %+v", o)
	}
}

// A function's code is the one of the last run that recorded something of it.
func TestCode(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 3*textLimit)
	for i, code := range []Code{{"f", "k", "1"}, {"g", "k", "1"}, {"f", "k", "2"}, {long, long, long}} {
		j := open(t, dir)
		calls := 0
		for k := range 3 {
			j.Append(Record{Key: keyOf("code", 10*i+k), Func: code.Func, Status: OK}, func() Code { calls++; return code })
		}
		if closed(t, j); calls != 1 {
			t.Errorf("the code was asked for %d times", calls)
		}
	}
	j := open(t, dir)
	defer closed(t, j)
	f, _ := j.Code("f")
	g, _ := j.Code("g")
	if f.ID != "2" || g.ID != "1" {
		t.Errorf("the code of f is %+v, of g %+v", f, g)
	}
	if o := j.Opened(); o.Records != 12 || o.Damaged != 0 || o.Cut != 0 {
		t.Errorf("with a long name it opens with %+v", o)
	}
}

// path is where the tests' job has its file.
func path(dir string) string { return filepath.Join(dir, "job", fileName) }
