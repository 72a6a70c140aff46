package muster

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
)

// registry holds where each name was registered.
var registry struct {
	sync.Mutex
	at map[string]string
}

func init() {
	engine.Names = func() []string {
		registry.Lock()
		defer registry.Unlock()
		return slices.Sorted(maps.Keys(registry.at))
	}
}

// register enters a function's name and compiles the plans of its types. It panics with one line for what is wrong.
func register[In, Out any](name string, isNil bool) (in, out *codec.Plan) {
	what := fmt.Sprintf("Func(%q)", name)
	mustInit("Func", name)
	at := callSite()
	switch {
	case name == "":
		panic(fmt.Sprintf("muster: %s at %s: the name is empty: give it one that is unique in the program", what, at))
	case isNil:
		panic(fmt.Sprintf("muster: %s at %s: the function is nil", what, at))
	}
	in, err := codec.Of(reflect.TypeFor[In]())
	if err == nil {
		out, err = codec.Of(reflect.TypeFor[Out]())
	}
	if err != nil {
		panic(fmt.Sprintf("muster: %s at %s: %v", what, at, err))
	}
	registry.Lock()
	defer registry.Unlock()
	if first, taken := registry.at[name]; taken {
		panic(fmt.Sprintf("muster: %s at %s: the name is taken at %s: choose another, such as the package's name before it", what, at, first))
	}
	if registry.at == nil {
		registry.at = map[string]string{}
	}
	registry.at[name] = at
	return in, out
}

var errOutsideInit = errors.New("outside package initialisation: make it a package-level variable, so that every process of the program " +
	"has it; for a function that captures variables use muster.Local")

func mustInit(what, name string) {
	if !initialising() {
		panic(fmt.Sprintf("muster: %s(%q) at %s: called %v", what, name, callSite(), errOutsideInit))
	}
}

// initialising reports whether this goroutine runs package initialisation: the runtime's own frame says so, whatever
// the user's functions are called.
func initialising() bool {
	return eachFrame(func(f runtime.Frame) bool { return strings.HasPrefix(f.Function, "runtime.doInit") })
}

// callSite is the file and line that called into this package.
func callSite() string {
	at := "unknown"
	eachFrame(func(f runtime.Frame) bool {
		name := f.Function
		if i := strings.IndexByte(name, '['); i >= 0 {
			name = name[:i]
		}
		if strings.HasPrefix(name, "github.com/musterrun/muster.") && !strings.HasSuffix(f.File, "_test.go") {
			return false
		}
		at = fmt.Sprintf("%s:%d", f.File, f.Line)
		return true
	})
	return at
}

func eachFrame(stop func(runtime.Frame) bool) bool {
	var pcs [256]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if stop(f) {
			return true
		}
		if !more {
			return false
		}
	}
}
