package quiet

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// Conn gives a connection that is c in all else; c itself, if it isn't one of the operating system's, or the system isn't
// Linux.
func Conn(c net.Conn) net.Conn {
	s, ok := c.(syscall.Conn)
	if !ok {
		return c
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return c
	}
	return &conn{c, raw}
}

type conn struct {
	net.Conn
	raw syscall.RawConn
}

// WriteNow is for protocol.WriteNow.
func (c *conn) WriteNow(b []byte) (n int) {
	_ = c.raw.Write(func(fd uintptr) bool { // an error comes again with the next write
		n, _, _ = try(syscall.SYS_WRITE, fd, b)
		return true
	})
	return n
}

func (c *conn) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var failed error
	err = c.raw.Read(func(fd uintptr) (done bool) {
		n, done, failed = try(syscall.SYS_READ, fd, b)
		return done
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, c.failure("read", failed)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *conn) Write(b []byte) (n int, err error) {
	var failed error
	err = c.raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			more, done, err := try(syscall.SYS_WRITE, fd, b[n:])
			if !done {
				return false
			}
			if failed = err; err != nil {
				return true
			}
			n += more
		}
		return true
	})
	if err == nil && failed != nil {
		err = c.failure("write", failed)
	}
	return n, err
}

// try reads or writes once, unless that would have to wait: then it isn't done.
func try(call, fd uintptr, b []byte) (n int, done bool, err error) {
	start := unsafe.SliceData(b)
	for {
		r, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(start)), uintptr(len(b))) //nolint:gosec // as package syscall
		switch errno {
		case 0:
			return int(r), true, nil //nolint:gosec // at most len(b)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, false, nil
		default:
			return 0, true, errno
		}
	}
}

func (c *conn) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}
