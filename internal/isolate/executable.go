package isolate

import (
	"fmt"
	"os"
)

// executable is the path of the program that this process runs: also if its file was replaced or removed since, where the
// system still has that.
func executable() (string, error) {
	path, err := os.Executable()
	running, missing := os.Stat(selfExe)
	switch {
	case missing == nil && !isFile(path, running):
		return selfExe, nil
	case err != nil:
		return "", fmt.Errorf("find this program's file, a copy of which is to run the task: %w", err)
	}
	return path, nil
}

func isFile(path string, file os.FileInfo) bool {
	named, err := os.Stat(path)
	return err == nil && os.SameFile(named, file)
}

// selfExe is the running program's file on Linux, whatever has become of its path. Elsewhere there is none.
const selfExe = "/proc/self/exe"
