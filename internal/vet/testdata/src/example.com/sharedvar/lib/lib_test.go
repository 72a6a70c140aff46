package lib

import (
	"context"
	"testing"
)

func TestCut(t *testing.T) {
	preset = 2 // a test's tasks run in its process
	if _, err := cut.Call(context.Background(), "abc"); err != nil {
		t.Fatal(err)
	}
}
