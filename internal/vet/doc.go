// Package vet finds the mistakes in the use of muster that the compiler can't see: the checks behind `muster vet`, also
// for `go vet -vettool`. docs/vet.md explains each of them to users.
//
// There are two nouns. The [Facts] analyzer reads a package and says for each function what it and all that it reaches
// do: [Function] is that fact, on a function; [Variable] and [Package] are those on variables and packages. The
// analyzers in [Analyzers] are the checks, and report what the facts of a package and of those that it imports show.
//
//	findings, err := vet.Run(ctx, ".", []string{"./..."}, os.Stdout, false)
//
// # What is followed
//
// Calls of functions and methods whose name says which one it is, and functions that are passed on by their name, since
// who gets them may call them. A function literal counts as part of the function that it stands in, unless it is itself
// registered as a task.
//
// Dynamic calls are not followed: those through interfaces, function values in variables and fields, and reflection.
// Neither is what other modules do, the standard library included; of that the checks know a few functions by name,
// such as time.Now. So no finding means that nothing was seen, not that nothing is there.
package vet
