package object

import (
	"fmt"
	"os"
	"sync/atomic"
)

const (
	// mapFrom is from which size on a value is mapped instead of copied: below, a copy costs less than the page faults.
	mapFrom = 256 << 10

	// A mapping stays as long as the process, so their number is bounded: Linux allows a process 65,530. Past it, Get
	// gives a copy.
	maxMappings = 16 << 10
)

var mappings atomic.Int64 // of this process

// Get returns the value's bytes: of a large one a private mapping of its file, so what is written to them stays in this
// process, and removing the file takes nothing away. The mapping lasts as long as the process. The bytes aren't checked
// against the id; see Check.
func (d *Dir) Get(id string) ([]byte, error) {
	file, err := os.Open(d.Path(id))
	if err != nil {
		return nil, fmt.Errorf("get an object: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("get the object %.12s: %w", id, err)
	}
	if data, ok := mapped(file, info.Size()); ok {
		return data, nil
	}
	data, err := os.ReadFile(d.Path(id))
	if err != nil {
		return nil, fmt.Errorf("get the object %.12s: %w", id, err)
	}
	return data, nil
}

// mapped is the file as a mapping, if it is to be one and can be.
func mapped(file *os.File, size int64) ([]byte, bool) {
	if size < mapFrom || int64(int(size)) != size {
		return nil, false
	}
	if mappings.Add(1) > maxMappings {
		mappings.Add(-1)
		return nil, false
	}
	data, err := mapFile(file, int(size))
	if err != nil {
		mappings.Add(-1)
		return nil, false
	}
	return data, true
}
