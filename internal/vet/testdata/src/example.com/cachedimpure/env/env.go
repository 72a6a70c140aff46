// Package env has cached functions that read the environment and the command line.
package env

import (
	"flag"
	"log"
	"os"
	"time"

	"example.com/cachedimpure/conf"
	"github.com/musterrun/muster"
)

var (
	size    = flag.Int("size", 1, "")
	verbose = flag.Bool("v", false, "")
	own     = flag.NewFlagSet("own", flag.ContinueOnError)
	depth   = own.Uint("depth", 1, "")
	text    string
	wait    time.Duration
	later   *int
	config  struct{ N, Fixed int }
	table   = []int{1, 2, 3}
)

func init() {
	flag.StringVar(&text, "text", "", "")
	own.DurationVar(&wait, "wait", 0, "")
	flag.IntVar(&config.N, "n", 0, "")
	later = flag.Int("later", 0, "")
}

var (
	home   = muster.Func("home", muster.Plain(func(s string) string { return os.Getenv("HOME") + s }), muster.Cached()) // want `Func "home" is Cached and reaches os.Getenv \(env.go:\d+\), .*: pass the value in the argument`
	lookup = muster.Func("lookup", muster.Plain(looked), muster.Cached())                                               // want `reaches os.LookupEnv`
	all    = muster.Func("all", muster.Plain(func(int) []string { return os.Environ() }), muster.Cached())              // want `reaches os.Environ`
	args   = muster.Func("args", muster.Plain(func(i int) string { return os.Args[i] }), muster.Cached())               // want `reaches os.Args`
	rest   = muster.Func("rest", muster.Plain(func(i int) string { return flag.Arg(i) }), muster.Cached())              // want `reaches flag.Arg`
	far    = muster.Func("far", muster.Plain(func(int) string { return conf.Home() }), muster.Cached())                 // want `reaches os.Getenv \(example.com/cachedimpure/conf/conf.go:\d+\)`
	sized  = muster.Func("sized", muster.Plain(func(x int) int { return x * *size }), muster.Cached())                  // want `reaches the flag env.size \(env.go:\d+\)`
	deep   = muster.Func("deep", muster.Plain(deeper), muster.Cached())                                                 // want `reaches the flag env.depth`
	texts  = muster.Func("texts", muster.Plain(func(x int) string { return text[:x] }), muster.Cached())                // want `reaches the flag env.text`
	waits  = muster.Func("waits", muster.Plain(func(int) string { return wait.String() }), muster.Cached())             // want `reaches the flag env.wait`
	late   = muster.Func("late", muster.Plain(func(int) int { return *later }), muster.Cached())                        // want `reaches the flag env.later`
	limit  = muster.Func("limit", muster.Plain(func(x int) int { return min(x, *conf.Limit) }), muster.Cached())        // want `reaches the flag conf.Limit`
	both   = muster.Func("both", muster.Plain(func(int) int { return *size * time.Now().Year() }), muster.Cached())     // want `reaches time.Now` `reaches the flag env.size`
)

func looked(s string) bool { _, ok := os.LookupEnv(s); return ok }

func deeper(x uint) uint { return x + *depth }

// What follows gives the same for the same argument, or isn't cached.
var (
	says = muster.Func("says", muster.Plain(func(x int) int {
		if *verbose {
			log.Print("says ", x)
		}
		log.Print(os.Getenv("HOME"), os.Args[0])
		time.Sleep(wait)
		return x
	}), muster.Cached())
	fixed   = muster.Func("fixed", muster.Plain(func(int) int { return config.Fixed + len(table) + len(conf.Names) }), muster.Cached())
	sets    = muster.Func("sets", muster.Plain(func(x int) error { text := "mine"; return os.Setenv("X", text) }), muster.Cached())
	parses  = muster.Func("parses", muster.Plain(parse), muster.Cached())
	expands = muster.Func("expands", muster.Plain(func(s string) string { return os.Expand(s, func(string) string { return "" }) }), muster.Cached())
	plain   = muster.Func("plain", muster.Plain(func(x int) int { return x * *size }))
)

func parse(args []string) int {
	set := flag.NewFlagSet("parse", flag.ContinueOnError)
	n := set.Int("n", 0, "")
	if set.Parse(args) != nil {
		return -1
	}
	return *n
}
