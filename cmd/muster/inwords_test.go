package main

import (
	"testing"

	"github.com/musterrun/muster/internal/source"
)

func TestInWords(t *testing.T) {
	for want, c := range map[string]source.Change{
		"lib.F changed":                                                {Key: "example.com/m/lib.F"},
		"(*lib.T).M removed":                                           {Key: "(*example.com/m/lib.T).M", Kind: source.Removed},
		`muster.Func("a/b") changed`:                                   {Key: `muster.Func("a/b")`},
		`argument 2 of muster.Func("a b") changed`:                     {Key: `muster.Func("a b") argument 2`},
		"a statement in m.main that calls lib.(Set) added":             {Key: "example.com/m.main calls lib.(Set)#0", Kind: source.Added},
		"a statement in a.x that sets b.y changed":                     {Key: "example.com/m/a.x sets example.com/m/b.y#1"},
		"what runs when package example.com/m is initialised changed":  {Key: "example.com/m.init#2"},
		"the order in which package variables are initialised changed": {Key: "order of initialisation"},
		"the Go version differs":                                       {Key: "setting go"},
		"the build tags differ":                                        {Key: "setting -tags"},
		"GOAMD64 differs":                                              {Key: "setting GOAMD64", Kind: source.Added},
		"the go line in the go.mod of example.com/m differs":           {Key: "setting go directive of example.com/m"},
		"module golang.org/x/text has another version":                 {Key: "module golang.org/x/text"},
		"module golang.org/x/text is used now":                         {Key: "module golang.org/x/text", Kind: source.Added},
		"module golang.org/x/text isn't used any more":                 {Key: "module golang.org/x/text", Kind: source.Removed},
		"package image/png is imported now":                            {Key: "import image/png", Kind: source.Added},
		"package image/png isn't imported any more":                    {Key: "import image/png", Kind: source.Removed},
		"the vendored code of example.com/x changed":                   {Key: "vendored example.com/x"},
	} {
		if got := inWords(c); got != want {
			t.Errorf("%s: got %q, want %q", c.Key, got, want)
		}
	}
}
