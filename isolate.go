package muster

import (
	"errors"
	"os"
	"strconv"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/isolate"
)

var (
	errNoDoor = errors.New("the option Isolated needs Main, at which a copy of this program becomes a worker: " +
		"call muster.Main in main; in tests, mustertest.Main in TestMain")
	errNoWorkers = errors.New("the option Isolated needs Linux or macOS here: on this system there are no worker processes yet")
)

// isolator makes worker processes for a session that has so many CPUs.
func isolator(cpus float64) func() (engine.Apart, error) {
	return func() (engine.Apart, error) {
		switch {
		case !isolate.Supported:
			return nil, errNoWorkers
		case !underMain():
			return nil, errNoDoor
		}
		return isolate.New(engine.Functions(), cpus), nil
	}
}

// isolated is what a worker is told that a session has started for one task: the task's number there, and the folder for
// large values. In other workers they are 0 and "". It takes the variables out of the environment: they aren't for
// programs that this one starts.
func isolated() (task uint64, objects string) {
	task, _ = strconv.ParseUint(os.Getenv(isolate.EnvTask), 10, 64)
	objects = os.Getenv(isolate.EnvObjects)
	_ = os.Unsetenv(isolate.EnvTask)
	_ = os.Unsetenv(isolate.EnvObjects)
	return task, objects
}
