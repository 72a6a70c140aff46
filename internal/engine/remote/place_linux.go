package remote

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// place names where this process's number counts: the machine since it was started, and the container's part of it.
func place() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// isGone reports whether there is no process of that number in this place.
func isGone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
