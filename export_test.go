package muster

import (
	"context"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/engine/loop"
)

// OnLoop has every session run its tasks in workers of the same process, over the cluster's messages.
func OnLoop(nodes, cpus int) {
	openEngine = func(ctx context.Context, _ Config, ec engine.Config, _ context.CancelCauseFunc) (*engine.Session, func(error) error, error) {
		s, c := loop.Driver(ec, engine.TrialOf(ctx), nodes, cpus)
		return s, func(error) error { c.Close(); return nil }, nil
	}
}
