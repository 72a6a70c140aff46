package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// residentSize is the memory of a process that is in RAM, in bytes, and how much of it is the process's own: the rest are
// pages of files, such as its executable, which processes that map the same have in common. Zeros if that isn't known.
func residentSize(pid int) (all, own int64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, 0
	}
	var total, resident, shared int64
	if _, err := fmt.Sscan(string(data), &total, &resident, &shared); err != nil {
		return 0, 0
	}
	page := int64(os.Getpagesize())
	return resident * page, (resident - shared) * page
}

// ticks is in how many parts of a second the kernel counts time in /proc, whatever it measures it in.
const ticks = 100

// cpuTime is how long a process has computed, for itself and in the kernel; 0 if it isn't known.
func cpuTime(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, data, _ = bytes.Cut(data[max(0, bytes.LastIndexByte(data, ')')):], []byte{' '}) // the name before may hold anything
	fields := bytes.Fields(data)
	const utime, stime = 11, 12 // of the fields behind the name
	if len(fields) <= stime {
		return 0
	}
	var sum int64
	for _, f := range fields[utime : stime+1] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}
