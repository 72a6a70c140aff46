package fingerprint

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/zeebo/blake3"
)

// File is the name of the generated file in each package.
const File = "muster_fingerprint.go"

// Counted reports whether a file of a package, named relative to its folder, is part of the package's sum: all that is
// embedded but the generated file itself and the tests.
func Counted(name string) bool {
	return name != File && (strings.Contains(name, "/") || !strings.HasSuffix(name, "_test.go"))
}

// Sum hashes the named files of a package, whatever their order, to 32 hexadecimal digits. The names are those that
// Counted accepts.
func Sum(names []string, read func(name string) ([]byte, error)) (string, error) {
	h := blake3.New()
	names = slices.Clone(names)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		data, err := read(name)
		if err != nil {
			return "", fmt.Errorf("hash a package's sources: %w", err)
		}
		_, _ = fmt.Fprintf(h, "%d %s %d\n", len(name), name, len(data)) // a hash never fails
		_, _ = h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// sumOf is the Sum of what is embedded.
func sumOf(files fs.ReadFileFS) (string, error) {
	var names []string
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && Counted(name) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash a package's sources: %w", err)
	}
	return Sum(names, files.ReadFile)
}
