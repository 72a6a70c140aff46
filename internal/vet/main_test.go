package vet_test

import (
	"os"
	"testing"

	"github.com/musterrun/muster/internal/vet"
)

// TestMain makes the test binary a -vettool, as the CLI is one.
func TestMain(m *testing.M) {
	if args := os.Args[1:]; vet.IsUnit(args) {
		vet.Unit(args)
	}
	os.Exit(m.Run())
}
