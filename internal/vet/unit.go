package vet

import (
	"os"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"
)

// IsUnit reports whether a program's arguments, without its name, are those of go vet, which asks a -vettool what it is
// (-V=full), which flags it has (-flags), and then to check one package (flags and a .cfg file).
func IsUnit(args []string) bool {
	if len(args) == 0 {
		return false
	}
	if len(args) == 1 && (args[0] == "-V=full" || args[0] == "-flags") {
		return true
	}
	for _, flag := range args[:len(args)-1] {
		if !strings.HasPrefix(flag, "-") {
			return false
		}
	}
	return strings.HasSuffix(args[len(args)-1], ".cfg")
}

// Unit does what go vet asks for in these arguments, and ends the process as go vet expects. The flags are those of
// go vet: one for each check, and -json.
func Unit(args []string) {
	os.Args = append(os.Args[:1:1], args...)
	unitchecker.Main(Analyzers...)
}
