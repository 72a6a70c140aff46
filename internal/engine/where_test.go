package engine

import (
	"testing"

	"github.com/musterrun/muster/protocol"
)

func TestWhere(t *testing.T) {
	labels := []protocol.Label{{Name: "gpu", Value: "t4"}, {Name: "zone", Value: "a"}}
	for text, want := range map[string]bool{
		"": true, "zone=a": true, "zone=b": false, "zone!=b": true, "zone!=a": false, "zone": true, "!zone": false,
		"spot": false, "!spot": true, "spot!=yes": true, "spot=yes": false, "zone=a,gpu=t4": true, " zone = a , gpu != t4 ": false,
	} {
		w, err := ParseWhere(text)
		if err != nil || w.matches(labels) != want {
			t.Errorf("%q: %v, %v", text, !want, err)
		}
		again, err := ParseWhere(w.String())
		if err != nil || again.String() != w.String() {
			t.Errorf("%q is written as %q: %v", text, w.String(), err)
		}
	}
	for _, text := range []string{",", "=a", "!", "a==b", "a=b=c", "a,,b", "!=x"} {
		if _, err := ParseWhere(text); err == nil {
			t.Errorf("%q is a condition", text)
		}
	}
}
