//go:build unix

package main

import "golang.org/x/sys/unix"

// diskFree is how many bytes this user may still write to the disk of a folder.
func diskFree(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // the types differ by system
}
