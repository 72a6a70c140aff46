//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// isOurs reports whether a file is of the user who runs this process: in a folder that all share, others may have put it.
func isOurs(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
