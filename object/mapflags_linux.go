package object

import "golang.org/x/sys/unix"

// mapFlags: without NORESERVE a private, writable mapping counts as memory that is going to be used, and one larger
// than the machine's memory would be refused.
const mapFlags = unix.MAP_PRIVATE | unix.MAP_NORESERVE
