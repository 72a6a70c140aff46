package vet_test

import (
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/musterrun/muster/internal/vet"
)

// TestChecks runs each check on the packages under testdata that are named after it. Comments there say what is found;
// what has no comment looks like a mistake and is none. The packages are loaded once for all checks: that takes longest.
func TestChecks(t *testing.T) {
	var mu sync.Mutex // packages are analysed in parallel
	ran := map[string]bool{}
	all := &analysis.Analyzer{
		Name:     "all",
		Doc:      "run the check that the package is named after",
		Requires: []*analysis.Analyzer{vet.Facts},
		Run: func(pass *analysis.Pass) (any, error) {
			for _, a := range vet.Analyzers {
				if strings.HasPrefix(pass.Pkg.Path(), "example.com/"+a.Name+"/") {
					mu.Lock()
					ran[a.Name] = true
					mu.Unlock()
					return a.Run(pass)
				}
			}
			t.Errorf("no check has the name of %s", pass.Pkg.Path())
			return nil, nil
		},
	}
	analysistest.Run(t, analysistest.TestData(), all, "example.com/...")
	for _, a := range vet.Analyzers {
		if !ran[a.Name] {
			t.Errorf("%s has no packages under testdata", a.Name)
		}
	}
}

func TestAnalyzersAreValid(t *testing.T) {
	if err := analysis.Validate(vet.Analyzers); err != nil {
		t.Error(err)
	}
}

// TestFacts compares facts with the comments under testdata; analysistest also encodes and decodes each.
func TestFacts(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), vet.Facts, "facts.test/...")
}
