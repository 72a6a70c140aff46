//go:build unix && !linux

package cache

import "golang.org/x/sys/unix"

const mapFlags = unix.MAP_PRIVATE
