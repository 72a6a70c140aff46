package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// processBirth tells a process from others that have had its number: the machine's start and, in its clock ticks, the
// process's. It is empty if there is no such process.
func processBirth(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	after := stat[bytes.LastIndexByte(stat, ')')+1:] // the name before may hold anything
	fields := strings.Fields(string(after))
	if len(fields) < 20 {
		return ""
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(boot)) + " " + fields[19]
}

// machineMemory is the memory in bytes of the machine, or of the cgroup if that has less.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	total := int64(info.Totalram) * int64(info.Unit)
	own, _ := os.ReadFile("/proc/self/cgroup")
	path, ok := strings.CutPrefix(strings.TrimSpace(string(own)), "0::") // version 2 has this line alone
	for ok {
		text, _ := os.ReadFile(filepath.Join("/sys/fs/cgroup", path, "memory.max"))
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 {
			total = min(total, limit)
		}
		ok, path = path != "/" && path != ".", filepath.Dir(path)
	}
	return total
}

// findCgroups is what this process finds of cgroups.
func findCgroups() cgroups {
	c := cgroups{root: "/sys/fs/cgroup", pid: os.Getpid(), admin: os.Geteuid() == 0}
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok { // version 2's
			c.own = own
		}
	}
	return c
}
