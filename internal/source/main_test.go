package source

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets the hundreds of compilers and linkers that the tests start live without collecting garbage: each is done
// before that would pay.
func TestMain(m *testing.M) {
	if err := os.Setenv("GOGC", "off"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
