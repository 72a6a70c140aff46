package agent

import (
	"io/fs"
	"syscall"
	"time"
)

func stampFrom(info fs.FileInfo) (stamp, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, false
	}
	return stamp{
		device: s.Dev, inode: s.Ino, size: s.Size, modified: info.ModTime(), changed: time.Unix(s.Ctim.Unix()),
	}, true
}
