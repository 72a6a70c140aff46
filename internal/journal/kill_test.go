package journal

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// What a child appends: each writer the items of its own sequence, in order; the last one ranges of a Map.
const writers = 4

func sequence(round, writer, i int) Key {
	return keyOf(fmt.Sprint("round", round, "writer", writer), i)
}

func sequenceMap(round int) Key { return keyOf("ranges", round) }

// sizeOf is how long the data of a call is: mostly short. In some rounds it is a megabyte, so that most of the time passes
// in the middle of a write.
func sizeOf(round int, k Key) int {
	switch n := int(k[0]) | int(k[1])<<8; {
	case largeRound(round):
		return 1<<20 + n
	case k[2] < 10:
		return n
	default:
		return n % 200
	}
}

func largeRound(round int) bool { return round%8 == 7 }

func sequenceRecord(round, writer, i int) Record {
	k := sequence(round, writer, i)
	r := Record{Key: k, Func: fmt.Sprint("writer", writer), Status: OK, Data: valueOf(k, sizeOf(round, k))}
	if writer == writers-1 {
		r.Key, r.From, r.To, r.Inputs = sequenceMap(round), 3*i, 3*i+3, k
	}
	return r
}

// childAppend appends until it is killed, and writes a byte for each record. It doesn't run far ahead of a test that is
// slow to kill it.
func childAppend(args []string) {
	round, _ := strconv.Atoi(args[1])
	j := childOpen(args[0], func(err error) {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	})
	most := 300
	if largeRound(round) {
		most = 4
	}
	for w := range writers {
		go func() {
			for i := range most {
				r := sequenceRecord(round, w, i)
				j.Append(r, one(r.Func))
				_, _ = os.Stdout.Write([]byte{'.'})
			}
		}()
	}
	select {}
}

// A program that is killed at any moment leaves, of what each goroutine has appended, all up to some record.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	const rounds = 50
	counts := make([][writers]int, rounds)
	before, torn := Opened{}, 0
	for round := range rounds {
		p := child(t, "append", dir, strconv.Itoa(round))
		// The first byte comes when the job is open; 0 kills the child before that, or while it opens the job.
		n := rand.Int64N(4) * rand.Int64N(200)
		if largeRound(round) {
			n %= 6
		}
		if _, err := io.CopyN(io.Discard, p.out, n); err != nil {
			t.Fatal(err)
		}
		p.kill()

		j := open(t, dir)
		sum := 0
		for w := range writers {
			counts[round][w] = verify(t, j, round, w)
			sum += counts[round][w]
		}
		o := j.Opened()
		if o.Records != before.Records+sum || o.Damaged != 0 || o.Epoch <= before.Epoch {
			t.Fatalf("round %d: it opens with %+v after %+v, and %d records are found", round, o, before, sum)
		}
		before = o
		torn += int(min(o.Cut, 1))
		closed(t, j)
	}
	j := open(t, dir)
	defer closed(t, j)
	for round := range rounds {
		for w := range writers {
			if n := verify(t, j, round, w); n != counts[round][w] {
				t.Errorf("round %d, writer %d: %d records, and %d before", round, w, n, counts[round][w])
			}
		}
	}
	t.Logf("%d records, %d of %d files had a torn end", before.Records, torn, rounds)
}

// verify checks a writer's records and counts them.
func verify(t *testing.T, j *Journal, round, writer int) int {
	t.Helper()
	ranges := j.Ranges(sequenceMap(round))
	for i := 0; ; i++ {
		r := sequenceRecord(round, writer, i)
		e, ok := j.Task(r.Key)
		if writer == writers-1 {
			if ok = i < len(ranges); ok {
				e = ranges[i]
			}
		}
		if !ok {
			return i
		}
		if e.From != r.From || e.To != r.To || e.Inputs != r.Inputs || e.Status != OK {
			t.Fatalf("round %d, writer %d: record %d is %+v", round, writer, i, e)
		}
		wantData(t, j, e, string(r.Data))
	}
}

// Whoever opens a job that is open is told who has it, and gets it when that process is dead.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	p := child(t, "hold", dir)
	p.line(t)
	want := HeldError{Job: "job", Holder: Run{Host: "childhost", PID: p.cmd.Process.Pid}}
	_, opened := Open(dir, "job", Run{Host: "me"}, nil)
	for _, err := range []error{opened, Remove(dir, "job")} {
		var held *HeldError
		if !errors.As(err, &held) || held.Job != want.Job || held.Holder.PID != want.Holder.PID || held.Holder.Host != want.Holder.Host {
			t.Fatalf("a second opener gets %v", err)
		}
		text := fmt.Sprintf("job job is open in process %d on childhost, since 0001-01-01 00:00:00 (child -flag): wait for it, or stop it", want.Holder.PID)
		if err.Error() != text {
			t.Errorf("it is told %q", err)
		}
	}
	if d, err := Describe(dir, "job"); err != nil || !d.Open || len(d.Runs) != 1 {
		t.Errorf("it is described as %+v, %v", d, err)
	}
	p.kill()
	if d, err := Describe(dir, "job"); err != nil || d.Open {
		t.Errorf("after that it is described as %+v, %v", d, err)
	}
	run(t, dir, Record{Key: Key{1}, Func: "f", Status: OK})
}

func TestHeldErrorText(t *testing.T) {
	e := &HeldError{Job: "j"}
	if s := e.Error(); s != "job j is open in another process: wait for it, or stop it" {
		t.Error(s)
	}
	e.Holder = Run{PID: 3, Host: "h", Program: strings.Split(strings.Repeat("ü ", 1000), " ")}
	if s := e.Error(); len(s) > 350 || !strings.Contains(s, "ü...): wait") {
		t.Error(s)
	}
}
