//go:build unix

package head

import "golang.org/x/sys/unix"

// diskFree is how many bytes an ordinary user may still write there.
func diskFree(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:gosec,unconvert,nolintlint // sizes and signs differ between systems
}
