package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// residentSize is the memory of a process that is in RAM, in bytes; 0 if it isn't known.
func residentSize(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
