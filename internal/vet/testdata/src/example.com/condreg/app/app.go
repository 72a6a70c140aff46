package app

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"example.com/condreg/reg"
	"github.com/musterrun/muster"
)

func do(context.Context, int) (int, error) { return 0, nil }

var fast = os.Getenv("FAST") != ""

func init() {
	if os.Getenv("GPU") != "" {
		muster.Func("train", do) // want `whether this registers a function depends on os.Getenv, which may differ in another process, and one that lacks the function fails its tasks: register it always`
	} else {
		muster.Func("train.slow", do) // want `depends on os.Getenv`
	}
	switch {
	case reg.GPU():
		muster.Func("switch", do) // want `depends on os.Stat`
	default:
		muster.Func("switch.default", do) // want `depends on os.Stat`
	}
	if fast {
		reg.All() // want `depends on os.Getenv`
	}
	paths, _ := filepath.Glob("*.txt")
	for _, p := range paths {
		muster.Func("file."+p, do) // want `depends on path/filepath.Glob`
	}
	host, _ := os.Hostname()
	muster.Func("on."+host, do) // want `the function's name comes from os.Hostname`
	_ = fast && register("and") // want `depends on os.Getenv`
	reg.Register("param", reg.GPU())
}

func register(name string) bool {
	muster.Func(name, do)
	return true
}

func init() {
	if _, err := os.Open("model"); err != nil {
		return
	}
	muster.Func("model", do) // want `depends on os.Open`
}

// What follows is the same in each process of the program, or ends it.
func init() {
	data, err := os.ReadFile("need")
	if err != nil {
		panic(err)
	}
	println(len(data))
	if runtime.GOOS == "linux" {
		muster.Func("linux", do)
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		muster.Func("built", do)
	}
	for _, name := range []string{"a", "b"} {
		muster.Func(name, do)
	}
	if os.Getenv("DEBUG") != "" {
		println("debug")
	}
	name := "x"
	if name == "" {
		return
	}
	muster.Func("always", do)
	reg.Register("yes", true)
	if os.Getenv("LOCAL") != "" {
		_ = muster.Local(do)
	}
}
