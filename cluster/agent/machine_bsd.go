//go:build unix && !linux

package agent

import (
	"os/exec"
	"strconv"
	"strings"
)

// processBirth is when a process began, as ps says it; empty if there is no such process.
func processBirth(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// machineMemory isn't known here: tasks that ask for memory need Config.Memory.
func machineMemory() int64 { return 0 }

// findCgroups finds none: only Linux has them.
func findCgroups() cgroups { return cgroups{root: "/sys/fs/cgroup"} }
