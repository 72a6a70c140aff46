// Package source reads the Go source of a program's modules and computes, for each function that is registered with
// muster, a fingerprint of its code and of all that it reaches there.
//
// The code is taken apart into units: functions, types, variables, statements of init functions. A unit's text is its
// syntax with names resolved, locals numbered and constants folded, so that comments, layout and renamed locals don't
// change it. A function's fingerprint is the hash of the units that it reaches, of the versions of the modules that
// these call, and of the settings that choose between files and instructions.
//
// What is reached is decided without running anything and errs on the side of more: a unit too many costs a hit now
// and then, a unit too few would make a hit wrong. docs/fingerprint.md has the rules for users,
// docs/decisions/0006-fingerprints.md the reasons.
package source
