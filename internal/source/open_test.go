package source

import (
	"slices"
	"testing"
)

// A function is open if code elsewhere could be written that changes what it does.
func TestOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code string
		open bool
	}{
		"no variable": {`func run(n int) string { return "" }`, false},
		"table": {`var table = map[int]string{}
func run(n int) string { return table[n] }`, false},
		"table filled in init": {`var table = map[int]string{}
func init() { table[1] = "x" }
func run(n int) string { return table[n] }`, false},
		"pattern": {`var re = regexp.MustCompile("x")
func run(n int) string { return re.String() }`, false},
		"error": {`var ErrX = errors.New("x")
func run(n int) string { return ErrX.Error() }`, false},
		"exported": {`var Mode = "x"
func run(n int) string { return Mode }`, true},
		"setter": {`var mode = "x"
func SetMode(s string) { mode = s }
func run(n int) string { return mode }`, true},
		"accessor": {`var modes = []string{"x"}
func Modes() []string { return modes }
func run(n int) string { return modes[n] }`, true},
		"registry outside": {`func run(n int) string { return mime.TypeByExtension("x") }`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, "-- lib/run.go --\npackage lib\n\nimport (\n\t\"errors\"\n\t\"mime\"\n\t\"regexp\"\n)\n\n"+
				"var _, _, _ = errors.New, mime.FormatMediaType, regexp.Match\n\n"+c.code+"\n"+`-- lib/reg.go --
package lib

import (
	"context"

	"github.com/musterrun/muster"
)

var f = muster.Func("f", func(_ context.Context, n int) (string, error) { return run(n), nil })
-- main.go --
package main

import _ "example.com/m/lib"

func main() {}
-- other/other.go --
package other
`)
			f := function(t, analyseDir(t, dir), "f")
			var guards []string
			if c.open {
				guards = []string{"example.com/m"} // what no program links guards nothing
			}
			if f.Open != c.open || !slices.Equal(f.Guards, guards) {
				t.Errorf("open %v, guards %v; want %v, %v", f.Open, f.Guards, c.open, guards)
			}
		})
	}
}
