package agent

import (
	"os"
	"time"
)

// stamp is what changes when a file is written to or replaced: its name, or its bytes, by whoever may do that.
type stamp struct {
	device, inode uint64
	size          int64
	modified      time.Time
	changed       time.Time // the system's own mark, which nobody sets: when content, mode or times were changed last
}

// settledAfter is how old a change must be for a stamp to tell it from the next: systems count time in steps, of some
// milliseconds.
const settledAfter = time.Second

// stampOf is the stamp of a file; false if the system has none, or if a change at this moment, now, might not change it.
func stampOf(path string, now time.Time) (stamp, bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return stamp{}, false
	}
	s, ok := stampFrom(info)
	return s, ok && now.Sub(s.changed) > settledAfter
}
