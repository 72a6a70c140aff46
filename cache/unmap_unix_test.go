//go:build unix

package cache

import "golang.org/x/sys/unix"

// unmap gives a mapping back, which no program can: a benchmark makes more of them than a process may have.
func unmap(v Value) error {
	if !v.Mapped {
		return nil
	}
	mappings.Add(-1)
	mappedBytes.Add(-int64(len(v.Data)))
	return unix.Munmap(v.Data)
}
