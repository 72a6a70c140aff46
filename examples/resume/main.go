// Resume finds out how well Go source compresses: each file under a folder by each level of flate, thousands of tasks.
// It runs as a job, so when it is stopped and started again, it goes on where it was.
//
//	MUSTER_JOB=sweep go run ./examples/resume               # stop it with Ctrl-C, and run the same line again
//	go run ./examples/resume -demo                          # kills itself twice, and shows that nothing is lost
//	MUSTER_JOB=mine go run ./examples/resume ~/src/project  # any folders
package main

import (
	"compress/flate"
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/musterrun/muster"
)

// Sweep is one task: a file and a level.
type Sweep struct {
	Path  string
	Level int
}

// Size is what came out.
type Size struct{ Plain, Packed int64 }

var squeeze = muster.Func("resume.squeeze", func(_ context.Context, s Sweep) (Size, error) {
	if err := countRun(); err != nil {
		return Size{}, err
	}
	data, err := os.ReadFile(s.Path)
	if err != nil {
		return Size{}, err
	}
	var n counter
	w, err := flate.NewWriter(&n, s.Level)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	return Size{int64(len(data)), int64(n)}, err
})

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func main() {
	demo := flag.Bool("demo", false, "run as a job that is killed twice, and print how much wasn't repeated")
	flag.Parse()
	if *demo {
		if err := runDemo(os.Stdout, flag.Args()); err != nil {
			fmt.Fprintln(os.Stderr, "resume:", err)
			os.Exit(1)
		}
		return
	}
	config := muster.Config{CacheDir: os.Getenv("RESUME_DIR")}
	config.Main(func(ctx context.Context) error { return run(ctx, flag.Args()) })
}

// run prints the sizes by level.
func run(ctx context.Context, roots []string) error {
	start := time.Now()
	sweeps, err := plan(roots)
	if err != nil {
		return err
	}
	var plain int64
	packed := map[int]int64{}
	for r := range squeeze.Unordered(ctx, all(sweeps)) {
		if r.Err != nil {
			return r.Err
		}
		packed[r.In.Level] += r.Out.Packed
		if r.In.Level == levels[0] {
			plain += r.Out.Plain
		}
	}
	fmt.Printf("%d files, %d bytes\n", len(sweeps)/len(levels), plain)
	for _, level := range levels {
		fmt.Printf("level %d: %d bytes, %.1f %%\n", level, packed[level], 100*float64(packed[level])/float64(plain))
	}
	fmt.Fprintf(os.Stderr, "in %.1f s\n", time.Since(start).Seconds())
	return nil
}
