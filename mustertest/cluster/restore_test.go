package cluster_test

import (
	"context"
	"os"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// restored is a program of which every call leaves a file in dir.
func restored(ctx context.Context, dir string) (sum int, err error) {
	add := func(n int, err2 error) {
		sum += n
		if err == nil {
			err = err2
		}
	}
	small, big := enlarge.Go(ctx, work{dir, 3}), enlarge.Go(ctx, work{dir, 1 << 20})
	add(length.From(ctx, small).Get(ctx))
	add(length.From(ctx, big).Get(ctx))
	all, err2 := muster.Gather(ctx, small, big).Get(ctx)
	add(len(all), err2)
	for b, err2 := range enlarge.Map(ctx, func(yield func(work) bool) {
		for i := 1; i <= 100 && yield(work{dir, i}); i++ {
		}
	}) {
		add(len(b), err2)
	}
	return sum, err
}

// A job with a name whose outcomes are all recorded needs no node when it runs again, on the same machine or another one.
func TestFinishedJobNeedsNoNode(t *testing.T) {
	c, dir := cluster.Start(t, 1), t.TempDir()
	config := c.Config()
	config.Job = "finished"
	for life := range 3 {
		s, ctx, err := muster.Open(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		if sum, err := restored(ctx, dir); sum != 3+1<<20+2+5050 || err != nil {
			t.Errorf("life %d: %d, %v", life, sum, err)
		}
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		switch life {
		case 0:
			c.StopAgent(0)
		case 1:
			if err := os.RemoveAll(config.CacheDir); err != nil { // what this machine knows of the job
				t.Fatal(err)
			}
		}
	}
	if n := countRuns(dir); n != 102 {
		t.Errorf("functions ran %d times", n)
	}
}
