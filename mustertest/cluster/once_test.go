package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// once counts itself in a folder, and then runs until there is a file.
var once = muster.Func("cluster.once", func(ctx context.Context, w work) (int, error) {
	f, err := os.CreateTemp(w.Dir, "ran")
	if err != nil {
		return 0, err
	}
	_ = f.Close()
	return untilThere(ctx, work{filepath.Join(w.Dir, "gate"), w.X})
}, muster.AtMostOnce())

// onceDriver says how its one call ends.
var onceDriver = cluster.Driver("once", func(ctx context.Context, args []string) error {
	v, err := once.Call(ctx, work{args[0], 7})
	switch {
	case errors.Is(err, muster.ErrMaybeRan):
		fmt.Println("maybe ran")
	case err != nil:
		return err
	default:
		fmt.Println(v)
	}
	return nil
})

// ran waits until the function has begun.
func ran(t *testing.T, dir string) {
	t.Helper()
	for limit := time.After(patience); countRuns(dir) == 0; {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatal("it doesn't begin")
		}
	}
}

func countRuns(dir string) int {
	files, _ := filepath.Glob(filepath.Join(dir, "ran*"))
	return len(files)
}

// What must not run twice doesn't, whatever dies; also when the driver that comes next is on another machine, with no
// journal of its own, so that only the head's tells of it.
func TestAtMostOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		worker bool // dies too
		moved  bool // the next driver is on another machine
		want   string
	}{
		{"driver", false, false, "7"},
		{"driver, moved", false, true, "7"},
		{"driver and worker", true, false, "maybe ran"},
		{"driver and worker, moved", true, true, "maybe ran"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, dir := cluster.Processes(t, 1, cluster.Options{}), t.TempDir()
			d := p.Run(onceDriver, "once", dir)
			ran(t, dir)
			d.Kill()
			if c.worker {
				p.KillWorker(0)
			}
			if c.moved {
				if err := os.RemoveAll(filepath.Join(p.Config().CacheDir, "jobs")); err != nil {
					t.Fatal(err)
				}
			}
			d = p.Run(onceDriver, "once", dir)
			if !c.worker {
				if err := os.WriteFile(filepath.Join(dir, "gate"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := d.Next(patience); got != c.want {
				t.Errorf("got %q", got)
			}
			d.Wait(patience)
			d = p.Run(onceDriver, "once", dir) // nor does it later
			if got := d.Next(patience); got != c.want {
				t.Errorf("the third time: %q", got)
			}
			d.Wait(patience)
			if n := countRuns(dir); n != 1 {
				t.Errorf("it ran %d times", n)
			}
		})
	}
}

// mapping prints how many of its squares are done, now and then.
var mapping = cluster.Driver("mapping", func(ctx context.Context, args []string) error {
	items := func(yield func(work) bool) {
		for i := range mapped {
			if !yield(work{args[0], i}) {
				return
			}
		}
	}
	i := 0
	for v, err := range square.Map(ctx, items) {
		if err != nil {
			return err
		}
		if v != i*i {
			return fmt.Errorf("%d squared is %d", i, v)
		}
		if i++; i%500 == 0 {
			fmt.Println(i)
		}
	}
	return nil
})

const mapped = 4000

// A driver that is killed in the middle of a Map and started again cuts the Map where it was cut, so what ran or had
// ended meanwhile isn't run again.
func TestKilledDriverOfAMap(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	dir := t.TempDir()
	for _, until := range []string{"500", "1500", "2500", "4000"} {
		d := c.Run(mapping, "map", dir)
		for d.Next(patience) != until {
		}
		if until == "4000" {
			d.Wait(patience)
		} else {
			d.Kill()
		}
	}
	if ran, _ := executions(t, dir); ran != mapped {
		t.Errorf("%d executions of %d", ran, mapped)
	}
}
