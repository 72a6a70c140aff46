// Package tasks has functions that read what others write.
package tasks

import (
	"context"
	"os/exec"
	"sync"

	"example.com/sharedvar/conf"
	"github.com/musterrun/muster"
)

var (
	Trim = muster.Func("trim", func(_ context.Context, s string) (string, error) { return s[:limit()], nil })
	Deep = muster.Func("deep", muster.Plain(func(s string) int { return conf.Settings.Deep.N + conf.Table[s] }))
	Len  = muster.Func("len", muster.Plain(func(string) int { return conf.Len() }))
	OK   = muster.Func("fixed", muster.Plain(func(string) int { return conf.Fixed }))
)

// Tool is another check's, and reported where this package is checked.
var Tool = muster.Func("tool", muster.PlainErr(func(s string) ([]byte, error) { return exec.Command(s).Output() }))

func limit() int { return conf.Limit }

// Memo fills its own cache in each process.
var Memo = muster.Func("memo", muster.Plain(func(s string) int { return Lookup(s) }))

var (
	mu    sync.Mutex
	cache = map[string]int{}
)

// Lookup is also called by the driver.
func Lookup(s string) int {
	mu.Lock()
	defer mu.Unlock()
	if _, ok := cache[s]; !ok {
		cache[s] = len(s)
	}
	return cache[s]
}
