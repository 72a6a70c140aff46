// Package fingerprint tells which code a registered function runs, so that a cached result is used only as long as
// the code that computed it is the same.
//
// `muster fingerprint` writes a small file into each package of a program's own module that a registered function
// reaches. The file embeds the package's sources and, where functions are registered, carries their fingerprints, the
// hash of the sources that they were made from, and the versions and settings they hold for. Of hands a function's
// fingerprint out only while all of that still agrees with the running program; otherwise it gives the executable's
// build id, so that an outdated file costs hits and never makes one wrong.
//
// Nothing is read or hashed before the first call of Of. All functions may be called concurrently.
package fingerprint
