//go:build !unix

package protocol

import "io"

// WriteNow writes nothing on this system, and gives 0.
func WriteNow(io.Writer, []byte) int { return 0 }

// Few is up to how many bytes WriteNow is worth while.
const Few = 0
