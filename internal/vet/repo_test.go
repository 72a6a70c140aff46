package vet_test

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/internal/vet"
)

// TestOwnCode runs all checks on this module, tests and examples included. What they find here is a fault of theirs.
func TestOwnCode(t *testing.T) {
	var out strings.Builder
	n, err := vet.Run(t.Context(), "../..", []string{"./..."}, &out, false)
	if err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("%d findings:\n%s", n, out.String())
	}
}
