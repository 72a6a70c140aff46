//go:build linux

package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// small is a program of a user's, with a function that does nothing.
const small = `package main

import (
	"context"
	"fmt"

	"github.com/musterrun/muster"
)

var noop = muster.Func("noop", func(_ context.Context, n int) (int, error) { return n, nil })

func main() {
	muster.Main(func(ctx context.Context) error {
		refs := make([]muster.Ref[int], 200_000)
		for i := range refs {
			refs[i] = noop.Go(ctx, i)
		}
		for i, r := range refs {
			if n, err := r.Get(ctx); err != nil || n != i {
				return fmt.Errorf("task %d gives %d: %w", i, n, err)
			}
		}
		fmt.Println("all have ended")
		<-ctx.Done()
		return nil
	})
}
`

// BenchmarkResident is how large the processes of a user's program are after 200,000 tasks, in MB, and how much of it is
// their own, without pages of the executable: muster bench's worker and driver are muster itself, with all that it links.
// Head and agent are this test's executable, which is larger than muster.
func BenchmarkResident(b *testing.B) {
	p := newPlace(b, small)
	p.cleanUp(p.state("state"))
	exe := p.build("small")
	p.want(0, "the cluster", "up", "--cpus=2")
	run := &benchRun{folders: []daemon.Folder{daemon.Folder(p.state("state"))}, Resident: map[string]int64{}, Own: map[string]int64{}}
	for b.Loop() {
		driver, lines := p.startProgram(exe)
		awaitLine(b, lines, "all have ended")
		run.measureResident(driver.Process.Pid)
		if err := driver.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		p.exit(driver)
	}
	info, err := os.Stat(exe)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "program-MB")
	for role, size := range run.Resident {
		b.ReportMetric(float64(size)/1e6, role+"-MB")
		b.ReportMetric(float64(run.Own[role])/1e6, "own-"+role+"-MB")
	}
}
