//go:build !linux

package pages

// GiveBack does nothing on this system.
func GiveBack() {}
