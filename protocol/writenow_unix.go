//go:build unix

package protocol

import (
	"io"
	"syscall"
)

// WriteNow writes as much of b as a socket takes without waiting, and gives how much that is; 0 where it can't be told.
// It is for few bytes, by who has them: to wake a goroutine that writes them would take longer. Nobody may write to w
// meanwhile.
func WriteNow(w io.Writer, b []byte) (n int) {
	if q, ok := w.(interface{ WriteNow([]byte) int }); ok { // package quiet's
		return q.WriteNow(b)
	}
	c, ok := w.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Write(func(fd uintptr) bool { // an error comes again with the next write
		n, _ = syscall.Write(int(fd), b)
		return true
	})
	return max(n, 0)
}

// Few is up to how many bytes WriteNow is worth while.
const Few = 4 << 10
