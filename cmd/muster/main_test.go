package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/protocol"
)

// asMuster has the test's executable run as muster.
const asMuster = "MUSTER_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMuster) != "" || os.Getenv(protocol.EnvWorker) != "" { // agents start workers in a clean environment
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

const program = `package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/musterrun/muster"
)

type Query struct {
	N    int
	Name string
}

var Count = muster.Func("count", func(_ context.Context, q Query) (int, error) {
	fmt.Println("counting")
	return helper(q.N), nil
}, muster.Cached())

func helper(n int) int { return n + 1 }

func main() {
	muster.Main(func(ctx context.Context) error {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil {
			return err
		}
		if n > 99 {
			os.Exit(n)
		}
		got, err := Count.Call(ctx, Query{n, "x"})
		fmt.Println("result", got)
		return err
	})
}
`

func TestCommandLine(t *testing.T) {
	p := newPlace(t, program)
	p.want(0, "muster run ./cmd/simulate")
	p.want(2, "unknown command", "nonsense")
	p.want(2, "see muster run --help", "run")
	p.want(2, "unknown flag: --nonsense; see muster jobs --help", "jobs", "--nonsense")
	p.want(0, "no jobs: a program records one", "jobs")
	p.want(1, "there is no job x: muster jobs lists them", "job", "show", "x")
	p.want(1, "there is no job x", "job", "rm", "x")
	p.want(0, "no cached results", "cache", "ls")
	p.want(1, `no cached result has a key that begins with "12"`, "cache", "show", "12")
	p.want(2, "name keys, or a function by --func", "cache", "rm")
	p.want(2, `"x" is no size`, "cache", "prune", "--to", "x")
	p.want(1, "no result of count is cached", "why-cached", "count")
	p.want(1, "muster: find the packages ./nope: stat ", "run", "./nope")
	p.want(2, `muster: job "../x": a job's name is`, "run", "--job", "../x", ".", "1")
	p.want(2, `muster: job "": a job's name is`, "run", "--job", "", ".", "1")
	p.want(2, `"" is no size`, "cache", "prune", "--to", "")
	p.want(2, "--unused -1h0m0s: it must not be negative", "cache", "prune", "--unused", "-1h")
	p.want(1, "open the cache: ", "cache", "stats", "--dir", "go.mod")
	p.want(0, "0 results", "cache", "verify")
	p.want(1, "/made: give the one of Config.CacheDir", "cache", "verify", "--dir", "made")
	for _, args := range [][]string{{"cache", "ls"}, {"cache", "stats"}, {"cache", "prune"}, {"jobs"}} {
		p.want(0, "", append(args, "--dir", "made")...)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "made")); err == nil {
		t.Error("looking at a folder that isn't there has made it")
	}
}

func TestRunCachesAndExplains(t *testing.T) {
	t.Parallel()
	p := newPlace(t, program)
	if out := p.want(0, "result 2", "run", ".", "1"); !strings.Contains(out, "counting") {
		t.Error(out)
	}
	// Another build, of code that doesn't matter to the function: the result is found.
	p.edit(`fmt.Println("result", got)`, `fmt.Println("the result", got)`)
	if out := p.want(0, "the result 2", "run", ".", "1"); strings.Contains(out, "counting") {
		t.Error("computed again:", out)
	}
	p.want(137, "", "run", ".", "137")
	p.want(0, "1 result of", "cache", "verify")
	p.want(0, "count", "cache", "ls", "--func", "count")
	var entries []entryJSON
	out, _ := p.muster("cache", "ls", "--json")
	if err := json.Unmarshal([]byte(out), &entries); err != nil || len(entries) != 1 || entries[0].Func != "count" {
		t.Fatal(out, err)
	}
	p.want(0, "field Name", "cache", "show", entries[0].Key[:8])

	p.want(0, "result 6", "run", ".", "5")
	p.want(0, "the argument N differs", "why-cached", "count")
	p.want(0, "2 of them have the code in this folder: a call with the same argument, declared version (none)", "why-cached", "count")
	p.edit("return n + 1", "return n + 2")
	p.want(0, "helper changed", "why-cached", "count")
	p.want(0, "result 3", "run", ".", "1")
	p.want(0, "the code: p.helper changed", "why-cached", "count")

	p.want(0, "removed 3 results", "cache", "rm", "--func", "count")
	p.want(0, "results               0", "cache", "stats")
	p.want(0, "removed 0 results", "cache", "prune", "--unused", "1h")
	p.want(0, "\"left\": ", "cache", "prune", "--json")
	p.want(0, "\"entries\": 0", "cache", "rm", "--func", "count", "--json")
}

func TestFingerprintAndJobs(t *testing.T) {
	t.Parallel()
	p := newPlace(t, program)
	p.want(1, "outdated: ", "fingerprint", "--check", "./...")
	p.want(0, "1 of 1 registered functions have a fingerprint", "fingerprint", "./...")
	p.want(0, "1 of 1", "fingerprint", "--check", "./...")
	p.edit("return n + 1", "return n + 2")
	p.want(1, "outdated: ", "fingerprint", "--check", "./...")

	p.want(0, "result 3", "run", "--job", "nightly", ".", "1")
	p.want(0, "1 of 1 calls were recorded before", "run", "--job", "nightly", ".", "1")
	p.want(0, "1 of 1 calls were recorded before", "run", "--job", "nightly", "main.go", "1") // all of the folder's program
	p.write("more.go", "package main\n")
	p.want(0, "main.go is built alone, without the rest of its folder: name the folder, muster run .\n", "run", "--job", "file", "main.go", "1")
	p.want(0, "removed file", "job", "rm", "file")
	p.want(0, "nightly", "jobs")
	p.want(0, "count", "job", "show", "nightly")
	var jobs []map[string]any
	out, _ := p.muster("jobs", "--json")
	if err := json.Unmarshal([]byte(out), &jobs); err != nil || len(jobs) != 1 || jobs[0]["name"] != "nightly" {
		t.Error(out, err)
	}
	p.want(1, "removed nightly\nmuster: there is no job nosuch", "job", "rm", "nightly", "nosuch")
	p.want(0, "no jobs", "jobs")
	p.want(0, "", "vet", "./...")
	p.edit("Count.Call(ctx, Query{n, \"x\"})", "0, error(nil)\n\tCount.Go(ctx, Query{n, \"x\"})")
	p.want(1, "(dropped)", "vet", "./...")
}
