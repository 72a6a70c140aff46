package app

import (
	"context"
	"embed"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"example.com/initcapture/reg"
	"github.com/musterrun/muster"
)

//go:embed app.go
var files embed.FS

var size = flag.Int("size", 1, "")

var parse, scale, seeded, read, made, flagged, tabled, cached, built *muster.Function[string, string]

type config struct{ Name string }

func init() {
	mode := os.Getenv("MODE")
	parse = muster.Func("parse", func(_ context.Context, s string) (string, error) { return s + mode, nil }) // want `Func "parse" captures what comes from os.Getenv, which may differ in another process`

	var factor string
	for _, arg := range os.Args {
		factor += arg
	}
	scale = muster.Func("scale", muster.Plain(func(s string) string { return s + factor })) // want `Func "scale" captures what comes from os.Args`

	start := time.Now()
	seed := rand.Int()
	seeded = muster.Func("seeded", muster.Plain(func(s string) string { return s + start.String() })) // want `captures what comes from time.Now`
	_ = muster.Func("seeded2", muster.Plain(func(s string) int { return seed }))                      // want `captures what comes from math/rand/v2.Int`

	var c config
	data, err := os.ReadFile("config.json")
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		panic(err)
	}
	read = muster.Func("read", muster.Plain(func(s string) string { return s + c.Name })) // want `captures what comes from os.ReadFile`

	made = muster.Func("made", muster.Plain(suffix(reg.Mode())))                       // want `captures what comes from os.Getenv`
	flagged = muster.Func("flagged", muster.Plain(suffix(strings.Repeat("x", *size)))) // want `captures what comes from flag.Int`
	_ = muster.Func("home", muster.Plain(suffix(reg.Home)))                            // want `captures what comes from os.Getenv`
	f := func(_ context.Context, s string) (string, error) { return s + mode, nil }
	_ = muster.Func("variable", f)           // want `captures what comes from os.Getenv`
	reg.Named("procs", runtime.NumCPU(), "") // want `what comes from runtime.NumCPU decides what this call registers`
	reg.Twice(len(mode))                     // want `what comes from os.Getenv decides what this call registers`
}

func suffix(end string) func(string) string { return func(s string) string { return s + end } }

// What follows is the same in each process, or read where it is used.
func init() {
	const n = 3
	table := map[string]string{"a": "b"}
	tabled = muster.Func("tabled", muster.Plain(func(s string) string { return table[s] + suffix("x")(s) }))

	var mu sync.Mutex
	memo := map[string]string{}
	cached = muster.Func("cached", muster.Plain(func(s string) string {
		mu.Lock()
		defer mu.Unlock()
		mode := os.Getenv("MODE") // asked when it runs
		memo[s] += mode
		return memo[s]
	}))

	text, err := files.ReadFile("app.go")
	if err != nil {
		panic(err)
	}
	built = muster.Func("built", muster.Plain(func(s string) string { return s + string(text) }))

	started := time.Now() // not captured
	for i, name := range []string{"x", "y"} {
		_ = muster.Func("loop."+name, muster.Plain(func(s string) int { return len(s) + i + n }))
	}
	println(time.Since(started))

	reg.Named("constant", n, os.Getenv("LABEL"))
	reg.Twice(len(reg.Version))
	sum := muster.Local(muster.Plain(suffix(os.Getenv("MODE")))) // stays here
	_ = sum
}

// double captures nothing.
var double = muster.Func("double", muster.Plain(func(x int) int { return 2 * x }))
