package app

import (
	"slices"
	"testing"
)

func TestSideEffect(t *testing.T) {
	for range square.Map(t.Context(), slices.Values([]int{1})) {
	}
	for v := range square.Map(t.Context(), slices.Values([]int{1})) { // want `never reads the errors of Map`
		t.Log(v)
	}
}
