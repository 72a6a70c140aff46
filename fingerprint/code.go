package fingerprint

import (
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/zeebo/blake3"
)

// Code identifies the code of a function.
type Code struct {
	// ID is 64 hexadecimal digits: equal IDs of one function mean that it runs the same code. The IDs of two processes
	// of one executable are equal, and so are those of go run, go build and go test while Reason is nil.
	ID string
	// Reason is nil if the ID was made from the function's sources. Otherwise the ID is the whole executable's, which
	// changes with any change of the program, and Reason says why. It is for one warning a process.
	Reason *Reason
}

// codes has the answers that were given, by name. A registration empties it.
var codes sync.Map // string to Code

// Of gives the code of the function that was registered under name. The first call for a package hashes its embedded
// sources, at about 700 MB/s; one that repeats costs some 50 ns. The error is for a process that can't even read its
// executable: then nothing that the function returns may be kept.
func Of(name string) (Code, error) {
	if c, ok := codes.Load(name); ok {
		return c.(Code), nil
	}
	registry.Lock()
	defer registry.Unlock()
	f, reason := find(name)
	if reason == nil {
		reason = f.check()
	}
	c := Code{Reason: reason}
	if reason == nil {
		c.ID = running().mix(f.id)
	} else {
		id, err := Executable()
		if err != nil {
			return Code{}, fmt.Errorf("%w; and in its place: %w", reason, err)
		}
		c.ID = id
	}
	codes.Store(name, c)
	return c, nil
}

// hashID hashes an identity's parts to what Code.ID looks like.
func hashID(kind string, parts ...string) string {
	h := blake3.New()
	_, _ = h.WriteString(kind) // a hash never fails
	for _, p := range parts {
		_, _ = h.WriteString("\x00" + p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
