package head

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("MUSTER_TEST_HEAD") != "" {
		os.Exit(childHead())
	}
	goleak.VerifyTestMain(m)
}
