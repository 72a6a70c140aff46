//go:build unix && !linux

package object

import "golang.org/x/sys/unix"

const mapFlags = unix.MAP_PRIVATE
