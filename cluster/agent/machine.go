package agent

import (
	"bytes"
	"context"
	"os/exec"
	"time"
)

// countGPUs counts what nvidia-smi lists; 0 if there is none.
func countGPUs() float64 {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-L").Output() //nolint:gosec // a fixed program
	if err != nil {
		return 0
	}
	n := 0.0
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte("GPU ")) {
			n++
		}
	}
	return n
}
