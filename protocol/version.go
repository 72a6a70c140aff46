package protocol

import "fmt"

// The version that these processes speak. Another minor version is understood: unknown kinds of items are passed over.
// Of majors, this one and the one before.
const (
	Major = 1
	Minor = 0
)

// VersionError is a peer that speaks a version this process doesn't.
type VersionError struct{ Major, Minor int }

func (e *VersionError) Error() string {
	what := "older: upgrade it"
	if e.Major > Major {
		what = "newer: upgrade this one"
	}
	return fmt.Sprintf("the other side speaks version %d.%d of the protocol, this one %d.%d; it is %s",
		e.Major, e.Minor, Major, Minor, what)
}

// CheckVersion says whether a peer's version is understood.
func CheckVersion(major, minor int) error {
	if major == Major || major == Major-1 && major > 0 {
		return nil
	}
	return &VersionError{major, minor}
}
