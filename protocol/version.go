package protocol

import (
	"fmt"
	"strconv"
)

// major is Major as text, so that a test can build a program of another version:
// -ldflags "-X github.com/musterrun/muster/protocol.major=2".
var major = "1"

// Major is the major version that this process speaks; it also understands the one before. Nobody sets it.
var Major = number(major)

// Minor counts what was added since: another minor version is understood, since what it adds is passed over.
const Minor = 0

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 255 {
		panic("muster: the protocol's major version is built as " + strconv.Quote(text) + ", which isn't a number from 1 to 255")
	}
	return n
}

// Side is one of two that speak with each other.
type Side struct {
	Name         string // what it is, for people, such as "the head"
	Major, Minor int
}

// Own is this process, by a name for people.
func Own(name string) Side { return Side{name, Major, Minor} }

func (s Side) understands(peer Side) bool {
	return peer.Major == s.Major || peer.Major == s.Major-1 && peer.Major > 0 // there is no major 0
}

// VersionError is that a side doesn't understand what its peer speaks.
type VersionError struct{ Peer, Self Side }

// Error says who is to be upgraded.
func (e *VersionError) Error() string {
	older, too := e.Peer, ""
	if e.Peer.Major > e.Self.Major {
		older = e.Self
	}
	if before := e.Self.Major - 1; before > 0 {
		too = fmt.Sprintf(" and understands %d", before)
	}
	return fmt.Sprintf("%s speaks version %d.%d of the protocol, and %s speaks %d.%d%s: upgrade %s",
		e.Peer.Name, e.Peer.Major, e.Peer.Minor, e.Self.Name, e.Self.Major, e.Self.Minor, too, older.Name)
}

// CheckVersion says whether self understands its peer, which speaks the same major version or the one before, and any
// minor. The error is a *VersionError.
func CheckVersion(peer, self Side) error {
	if self.understands(peer) {
		return nil
	}
	return &VersionError{peer, self}
}

// Agreed is the version in which a peer that is understood is spoken to: the older one of both.
func Agreed(major, minor int) (int, int) {
	if major < Major || major == Major && minor < Minor {
		return major, minor
	}
	return Major, Minor
}
