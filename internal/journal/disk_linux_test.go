package journal

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() { children["limited"] = childLimited }

// smallDisk mounts a disk of a megabyte.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no small disk can be mounted, which takes CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestDiskIsFull(t *testing.T) {
	dir, told := smallDisk(t), newReports()
	j, err := Open(dir, "job", Run{}, told.report)
	if err != nil {
		t.Fatal(err)
	}
	fill(j, "full", 200, 10_000)
	if err := <-told.first; !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path(dir)) {
		t.Errorf("it reports %v", err)
	}
	fill(j, "more", 3*bufferLimit/10_000, 10_000)
	if err := j.Close(); !errors.Is(err, syscall.ENOSPC) || told.n.Load() != 1 {
		t.Errorf("Close gives %v after %d reports", err, told.n.Load())
	}

	// The last record left a little room, which is enough to go on with what is there.
	j = open(t, dir)
	n := found(t, j, "full", 10_000)
	if o := j.Opened(); n < 50 || n == 200 || o.Records != n || o.Damaged != 0 || o.Epoch != 2 {
		t.Errorf("%d records are left; it opens with %+v", n, o)
	}
	closed(t, j)
	if err := Remove(dir, "job"); err != nil {
		t.Errorf("to make room: %v", err)
	}
}

// A job can be removed from a disk that has no room for a byte.
func TestRemoveFromFullDisk(t *testing.T) {
	dir := smallDisk(t)
	run(t, dir, Record{Key: Key{1}, Func: "f", Status: OK, Data: make([]byte, 100)})
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if d, err := Describe(dir, "job"); err != nil || len(d.Counts) != 1 {
		t.Errorf("it is %+v, %v", d, err)
	}
	if err := Remove(dir, "job"); err != nil {
		t.Error(err)
	}
}

// childLimited may write files of up to 100,000 bytes, and says what comes of it.
func childLimited(args []string) {
	signal.Ignore(syscall.SIGXFSZ) // EFBIG tells it
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100_000, Max: 100_000}); err != nil {
		fmt.Println("setrlimit:", err)
		return
	}
	told := newReports()
	j := childOpen(args[0], told.report)
	fill(j, "full", 50, 10_000)
	err := <-told.first
	fill(j, "more", 3*bufferLimit/10_000, 10_000)
	fmt.Println(told.n.Load(), errors.Is(err, syscall.EFBIG), errors.Is(j.Close(), syscall.EFBIG))
}

// The same for whoever can't mount: a file that may not grow.
func TestFileIsFull(t *testing.T) {
	dir := t.TempDir()
	if s := child(t, "limited", dir).line(t); s != "1 true true\n" {
		t.Errorf("the child says %q", s)
	}
	j := open(t, dir)
	defer closed(t, j)
	if n := found(t, j, "full", 10_000); n != 9 || j.Opened().Records != 9 || j.Opened().Damaged != 0 {
		t.Errorf("%d records are left; it opens with %+v", n, j.Opened())
	}
}
