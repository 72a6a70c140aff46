package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestCodePanics(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	func() {
		defer func() { _ = recover() }()
		j.Append(Record{Key: Key{1}, Func: "f", Status: OK}, func() Code { panic("no code") })
	}()
	j.Append(Record{Key: Key{2}, Func: "f", Status: OK}, one("f"))
	closed(t, j)
	d, err := Describe(dir, "job")
	if err != nil || len(d.Counts) != 1 || d.Counts[0] != (Count{Func: "f", Done: 1}) {
		t.Errorf("counts are %+v, %v", d.Counts, err)
	}
}

func TestAppendRefuses(t *testing.T) {
	j := open(t, t.TempDir())
	defer closed(t, j)
	for _, r := range []Record{{}, {Status: 3}, {Status: OK, Attempt: -1}, {Status: OK, From: 2, To: 2}, {Status: OK, From: 3},
		{Status: OK, From: -1, To: 2}, {Status: OK, To: -1}} {
		func() {
			defer func() {
				if s, _ := recover().(string); !strings.HasPrefix(s, "journal: a record with status") {
					t.Errorf("%+v: panic %q", r, s)
				}
			}()
			j.Append(r, one(""))
		}()
	}
}

func TestAppendAfterClose(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	j.Append(Record{Key: Key{1}, Func: "f", Status: OK}, one("f"))
	closed(t, j)
	j.Append(Record{Key: Key{2}, Func: "f", Status: OK}, one("f"))
	closed(t, j)
	if _, err := j.Read(Entry{size: 1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("reading gives %v", err)
	}
	j = open(t, dir)
	defer closed(t, j)
	if o := j.Opened(); o != (Opened{Epoch: 2, Records: 1}) {
		t.Errorf("it opens with %+v", o)
	}
}

func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	const writers, each = 8, 500
	for epoch := range 2 {
		j := open(t, dir)
		var wg sync.WaitGroup
		for w := range writers {
			fn := fmt.Sprint("f", w%3)
			wg.Go(func() {
				for i := range each {
					k := keyOf(fn, w*each+i)
					j.Append(Record{Key: k, Func: fn, Status: OK, Data: valueOf(k, i)}, one(fn))
					if e, ok := j.Task(k); ok != (epoch == 1) {
						t.Errorf("run %d finds it: %v", epoch, ok)
					} else if data, err := j.Read(e); ok && (err != nil || !bytes.Equal(data, valueOf(k, i))) {
						t.Errorf("read %d bytes, %v", len(data), err)
					}
				}
			})
		}
		wg.Wait()
		for range 2 {
			wg.Go(func() {
				if err := j.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	d, err := Describe(dir, "job")
	counts := []Count{{"f0", 3 * each, 0}, {"f1", 3 * each, 0}, {"f2", 2 * each, 0}}
	if err != nil || !slices.Equal(d.Counts, counts) || d.Damaged != 0 {
		t.Errorf("it is %+v, %v", d, err)
	}
}

// A command with many arguments is recorded, but not all of them.
func TestLongProgram(t *testing.T) {
	dir := t.TempDir()
	program := slices.Repeat([]string{"<&\x00file>.txt"}, 100_000)
	for range 2 {
		j, err := Open(dir, "job", Run{Program: program, Host: strings.Repeat("h", 1000)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		closed(t, j)
	}
	d, err := Describe(dir, "job")
	if err != nil || len(d.Runs) != 2 || d.Runs[1].Epoch != 2 || len(d.Runs[1].Program) < 100 || d.Size > 100_000 {
		t.Errorf("a file of %d bytes has %d runs, %v", d.Size, len(d.Runs), err)
	}
	if program[len(d.Runs[1].Program)-1] == "..." {
		t.Error("the caller's slice is changed")
	}
}
