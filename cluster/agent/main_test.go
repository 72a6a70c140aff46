//go:build unix

package agent

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/cluster/worker"
)

// TestMain makes the test binary a worker where an agent has started it as one.
func TestMain(m *testing.M) {
	if fd, ok := worker.FromEnv(); ok {
		beWorker(fd)
		return
	}
	if os.Getenv(agentVariable) != "" {
		beAgent(context.Background())
		return
	}
	goleak.VerifyTestMain(m)
}
