package codec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// longPath is the number of steps that a path shows whole; of a longer one it shows both ends.
const longPath = 24

var errCycle = errors.New("the value has a cycle")

// A pathError grows by one step in each frame that it passes on its way out, so that a value that encodes well pays
// nothing for paths.
type pathError struct {
	err   error
	steps []string // innermost first
	cycle *cycle
}

// A cycle is what the frames that an error passes tell about where it began and how it goes.
type cycle struct {
	back    spot // where the walk came a second time
	closed  bool // the error has passed back, and members are all there are
	members map[spot]bool
	length  int // of the way around, in steps
	entry   int // the number of steps below the outermost member
}

func (e *pathError) Error() string { return e.text("") }

func (e *pathError) text(root string) string {
	if e.cycle == nil {
		return fmt.Sprintf("%s%s: %v", root, joinSteps(outermostFirst(e.steps)), e.err)
	}
	entry := e.cycle.entry
	way := joinSteps(outermostFirst(e.steps[entry-e.cycle.length : entry]))
	if way == "" {
		way = "the pointer"
	}
	where := root + joinSteps(outermostFirst(e.steps[entry:]))
	return fmt.Sprintf("%s: %v: %s leads back to the same place", where, e.err, way)
}

// at adds the step at which err happened.
func at(err error, step string) error {
	pe, ok := err.(*pathError)
	if !ok {
		pe = &pathError{err: err}
	}
	pe.steps = append(pe.steps, step)
	return pe
}

// newCycle is the error for a walk that came to s a second time.
func newCycle(s spot) error {
	return &pathError{err: errCycle, cycle: &cycle{back: s, members: map[spot]bool{}}}
}

// passing notes that err leaves the value at s. The walk may have gone around many times before it was noticed: the
// outermost member is where the cycle really begins.
func passing(err error, s spot) error {
	pe, ok := err.(*pathError)
	if !ok || pe.cycle == nil {
		return err
	}
	c := pe.cycle
	switch {
	case !c.closed:
		c.members[s] = true
		if s == c.back {
			c.closed, c.length, c.entry = true, len(pe.steps), len(pe.steps)
		}
	case c.members[s]:
		c.entry = len(pe.steps)
	}
	return err
}

// inside gives err the operation and the type at which its path begins.
func inside(op string, t reflect.Type, err error) error {
	pe, ok := err.(*pathError)
	if !ok {
		pe = &pathError{err: err}
	}
	return &operationError{text: op + " " + pe.text(typeName(t)), err: pe.err}
}

// operationError is what Append, Decode and EachRef return.
type operationError struct {
	text string
	err  error
}

func (e *operationError) Error() string { return e.text }

func (e *operationError) Unwrap() error { return e.err }

func outermostFirst(steps []string) []string {
	steps = slices.Clone(steps)
	slices.Reverse(steps)
	return steps
}

func joinSteps(steps []string) string {
	if len(steps) <= longPath {
		return strings.Join(steps, "")
	}
	return strings.Join(steps[:longPath/2], "") + "..." + strings.Join(steps[len(steps)-longPath/2:], "")
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// mapIndex is the step to the value under key.
func mapIndex(key reflect.Value) string {
	if key.Kind() == reflect.String {
		return "[" + strconv.Quote(key.String()) + "]"
	}
	return fmt.Sprintf("[%v]", key.Interface())
}
