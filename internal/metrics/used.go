package metrics

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc, which Linux has had as it is for ever.
const tick = 10 * time.Millisecond

// Used is how much CPU time a process has used, and the most memory that it had at once, in bytes; zero if the system
// doesn't tell, as Linux does.
func Used(pid int) (cpu time.Duration, memory int64) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0, 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name before may have spaces
	if len(fields) > 12 {
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		cpu = time.Duration(user+system) * tick
	}
	status, _ := os.ReadFile(dir + "/status")
	if _, peak, ok := strings.Cut(string(status), "VmHWM:"); ok {
		if f := strings.Fields(peak); len(f) > 0 {
			memory, _ = strconv.ParseInt(f[0], 10, 64)
		}
	}
	return cpu, memory << 10
}
