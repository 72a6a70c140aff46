package main

import (
	"os"
	"path/filepath"
	"strconv"
)

// measureResident notes how large the processes are, where the system tells.
func (b *benchRun) measureResident(driver int) {
	note := func(role string, pid int) {
		if all, own := residentSize(pid); all > b.Resident[role] {
			b.Resident[role], b.Own[role] = all, own
		}
	}
	note("driver", driver)
	for _, f := range b.folders {
		for _, name := range []string{serviceHead, serviceAgent} {
			if r, running, err := f.Running(name); err == nil && running {
				note(name, r.PID)
			}
		}
		workers, _ := os.ReadDir(filepath.Join(string(f), serviceAgent, "workers")) // named by their processes
		for _, w := range workers {
			if pid, err := strconv.Atoi(w.Name()); err == nil {
				note("worker", pid)
			}
		}
	}
}
