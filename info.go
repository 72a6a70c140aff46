package muster

import (
	"context"
	"log/slog"

	"github.com/musterrun/muster/internal/engine"
)

// TaskInfo is what a running task may know of itself. Its fields are
//
//	Func    string // the function's name
//	Key     string // the same for all attempts of a task, and in a named job for all runs: an idempotency key
//	Task    uint64 // its number in this process
//	Attempt int    // from 1
//	Node    string // the cluster's node, "" without a cluster
type TaskInfo = engine.Info

// Info says which task runs with a context that a task's function was given; elsewhere it gives the zero TaskInfo.
func Info(ctx context.Context) TaskInfo {
	i, _ := engine.InfoOf(ctx)
	return i
}

// Log is a logger for the lines of one task. On a cluster they go, with the task's name and number, to the log that its
// node keeps of the job, where `muster logs` finds them; elsewhere to slog.Default. Its cost is the logger's, and on a
// cluster that of one small message a line.
func Log(ctx context.Context) *slog.Logger { return engine.LogOf(ctx) }
