// Sourcestats counts what stands in Go source: per package the files, lines, functions and the longest function, and
// over all the most imported packages and the most used identifiers.
//
//	go run ./examples/sourcestats                 # the Go toolchain's own source
//	go run ./examples/sourcestats ~/src/project   # any folders or files
//	go run ./examples/sourcestats -compare        # the same work by one goroutine, by a hand-written loop, and by muster
//
// It is a map/reduce in two functions: count reads and parses a batch of files, merge adds up what several counts found.
// Each batch is a task, and a tree of merges follows the counts as they finish, ahead of other counts, so that few
// partial results are in memory at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/musterrun/muster"
)

var (
	countFunc = muster.Func("sourcestats.count", count)
	mergeFunc = muster.Func("sourcestats.merge", merge, muster.Priority(1))
)

func main() {
	top := flag.Int("top", 10, "how many rows each table has")
	verbose := flag.Bool("v", false, "name every file that doesn't parse")
	compare := flag.Bool("compare", false, "measure one goroutine, a hand-written loop and muster, in processes of their own")
	way := flag.String("way", "", "print the totals as JSON, counted by serial, loop or muster: what -compare runs")
	flag.Parse()
	switch {
	case *compare:
		exit(compareWays(flag.Args(), os.Stdout))
	case *way == "serial" || *way == "loop":
		exit(printTotals(context.Background(), *way, flag.Args()))
	case *way != "":
		muster.Main(func(ctx context.Context) error { return printTotals(ctx, *way, flag.Args()) })
	default:
		muster.Main(func(ctx context.Context) error { return run(ctx, flag.Args(), *top, *verbose) })
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sourcestats:", err)
		os.Exit(1)
	}
}

// run analyses the paths and prints the tables.
func run(ctx context.Context, paths []string, top int, verbose bool) error {
	start := time.Now()
	files, err := find(paths)
	if err != nil {
		return err
	}
	total, err := withMuster(ctx, files)
	if err != nil {
		return err
	}
	took := time.Since(start)
	printTables(os.Stdout, total, top)
	printSummary(os.Stdout, total, took)
	printUnparsed(os.Stderr, total, verbose)
	return nil
}

// withMuster counts with tasks: one for each batch of files, and a tree of merges.
func withMuster(ctx context.Context, files []File) (Stats, error) {
	var counts []muster.Ref[Stats]
	for _, b := range batches(files, batchBytes(files, runtime.GOMAXPROCS(0))) {
		counts = append(counts, countFunc.Go(ctx, b))
	}
	return muster.Reduce(ctx, mergeFunc, counts).Get(ctx)
}

// goSource is where the Go toolchain keeps its source.
func goSource() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	root := strings.TrimSpace(string(out))
	if err != nil || root == "" {
		return "", errors.New("the go command doesn't say where its source is: give a path")
	}
	return filepath.Join(root, "src"), nil
}
