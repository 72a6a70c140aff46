// Package benchmarks compares muster with what people use instead: a loop over goroutines written by hand, errgroup,
// conc and pond. It is a module of its own, so that the library doesn't depend on what it is compared with.
//
// A [Variant] is one way to apply a function to a slice, a [Work] is what the function does and how often. [Measure] is
// the benchmark of a pair; `go test -bench .` runs all pairs, and `go run ./table` runs them interleaved and prints
// medians as a table.
package benchmarks
