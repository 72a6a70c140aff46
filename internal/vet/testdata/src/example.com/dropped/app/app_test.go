package app

import (
	"context"
	"testing"

	"github.com/musterrun/muster"
)

func TestBad(t *testing.T) {
	ctx := context.Background()
	square.Go(ctx, 1) // left running: what Close does is tested
	panics(t, func() { square.With(muster.Option{}) })
	panics(t, func() {
		square.With(muster.Option{}) // want `the result of With is dropped`
		t.Log("no panic")
	})
	square.With(muster.Option{}) // want `the result of With is dropped`
}

func panics(t *testing.T, f func()) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
