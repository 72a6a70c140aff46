package codec

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// Whoever asks an error that has travelled for a sentinel that isn't registered is told so, the first time.
func TestLostSentinel(t *testing.T) {
	var told []string
	OnLost(func(text string) { told = append(told, text) })
	defer OnLost(nil)
	gone := errors.New("gone for good")
	got := travel(t, fmt.Errorf("item 7: %w", gone))
	for _, other := range []error{io.EOF, errors.New("another"), nil} {
		if errors.Is(got, other) || len(told) > 0 {
			t.Fatal(other, told)
		}
	}
	if errors.Is(travel(t, errors.New("EOF")), io.EOF) || len(told) > 0 {
		t.Fatal("a registered sentinel isn't lost: ", told)
	}
	if !errors.Is(travel(t, fmt.Errorf("x: %w", io.EOF)), io.EOF) {
		t.Error("a registered sentinel is lost")
	}
	for range 2 {
		if errors.Is(got, gone) {
			t.Error("it isn't registered, and known again")
		}
	}
	if len(told) != 1 || told[0] != "gone for good" {
		t.Errorf("told %q", told)
	}
}
