package vet

import (
	"golang.org/x/tools/go/analysis"
)

// Analyzers are the checks.
var Analyzers = []*analysis.Analyzer{
	sharedvar, initcapture, condreg, dropped, iterr, execctx, cachedimpure, taskctx,
}

// check makes the analyzer of a check, which looks at what Facts has read.
func check(name, doc string, run func(*analysis.Pass, *code)) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:     name,
		Doc:      doc,
		Requires: []*analysis.Analyzer{Facts},
		Run: func(pass *analysis.Pass) (any, error) {
			if c := pass.ResultOf[Facts].(*code); c.root.Valid() {
				run(pass, c)
			}
			return nil, nil
		},
	}
}
