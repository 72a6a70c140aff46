//go:build !linux

package main

import "time"

// residentSize isn't known on this system, nor is cpuTime.
func residentSize(int) (all, own int64) { return 0, 0 }
func cpuTime(int) time.Duration         { return 0 }
