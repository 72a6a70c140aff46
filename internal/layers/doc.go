// Package layers has only tests: they hold the rules on which part of the module may import which. The table in
// rules_test.go is the one place where a rule and its reason are written; the linter's copy in .golangci.yml is made
// from it:
//
//	go test ./internal/layers -update
//
// The tests read the import lines of all files, whatever system they are built for. A folder that no rule covers is a
// breach too, so a new part gets its rule with its first file.
package layers
