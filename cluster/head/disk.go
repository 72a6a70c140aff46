package head

import (
	"fmt"
	"sync"

	"github.com/musterrun/muster/protocol"
)

// disk is the one that the head's folder is on.
type disk struct {
	path string
	keep int64 // bytes that are left alone
	free func(path string) (int64, error)

	mu  sync.Mutex
	low bool
}

// room refuses what would leave less than is to be left alone.
func (d *disk) room(need int64) error {
	free, err := d.free(d.path)
	if err != nil {
		return fmt.Errorf("find how much room the disk of %s has: %w", d.path, err)
	}
	if free-need >= d.keep {
		return nil
	}
	needed := ""
	if need > 0 {
		needed = fmt.Sprintf(", and %d more are needed", need>>20)
	}
	return refuse(protocol.CodeFull, "the head's disk is full: %s has %d MiB free, of which %d are left alone%s; make room there",
		d.path, free>>20, d.keep>>20, needed)
}

// full is what turned last said.
func (d *disk) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.low
}

// turned reports whether the disk has become full, or has room again, since it was last asked.
func (d *disk) turned() (low, changed bool) {
	low = d.room(0) != nil
	d.mu.Lock()
	defer d.mu.Unlock()
	changed = low != d.low
	d.low = low
	return low, changed
}
