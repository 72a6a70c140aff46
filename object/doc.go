// Package object keeps sealed values as files: bytes that never change, named by their BLAKE3 hash in 64 hexadecimal
// digits. Its nouns are Dir, a folder of them, and Sealer, which tells the name of bytes that it passes on.
//
// A value is written to a temporary file, and gets its name when it is complete, so that a name stands for the whole
// value or for nothing. Storing a value that is there already costs its hash (3 GB/s) and nothing else. Nothing is
// synced: after a power cut a file may be damaged, which Check finds.
//
// A Dir may be used by several goroutines and processes at once.
package object
