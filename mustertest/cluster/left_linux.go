package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// leftProcesses are the processes that run an executable below dir or in a folder below it, once no more of them end
// or the time is over.
func leftProcesses(dir string, within time.Duration) []string {
	limit := time.After(within)
	again := time.NewTicker(20 * time.Millisecond) // nothing tells when another's child ends
	defer again.Stop()
	for {
		left := processesIn(dir)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-limit:
			return left
		case <-again.C:
		}
	}
}

func processesIn(dir string) (found []string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range entries {
		for _, link := range []string{"exe", "cwd"} {
			path, err := os.Readlink(filepath.Join("/proc", e.Name(), link))
			if err == nil && strings.HasPrefix(path, dir+"/") {
				line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
				found = append(found, fmt.Sprintf("%s (%s %s): %q", e.Name(), link, path, line))
				break
			}
		}
	}
	return found
}
