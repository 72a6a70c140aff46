package codec

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"syscall"
)

// builtins are the errors of the standard library that keep their identity without being registered. net's are not
// among them: whoever links that package registers them.
func builtins() *registry {
	r := &registry{
		sentinels: map[string]error{
			"context.Canceled":         context.Canceled,
			"context.DeadlineExceeded": context.DeadlineExceeded,
			"errors.ErrUnsupported":    errors.ErrUnsupported,
			"fs.ErrClosed":             fs.ErrClosed,
			"fs.ErrExist":              fs.ErrExist,
			"fs.ErrInvalid":            fs.ErrInvalid,
			"fs.ErrNotExist":           fs.ErrNotExist,
			"fs.ErrPermission":         fs.ErrPermission,
			"io.EOF":                   io.EOF,
			"io.ErrClosedPipe":         io.ErrClosedPipe,
			"io.ErrNoProgress":         io.ErrNoProgress,
			"io.ErrShortBuffer":        io.ErrShortBuffer,
			"io.ErrShortWrite":         io.ErrShortWrite,
			"io.ErrUnexpectedEOF":      io.ErrUnexpectedEOF,
			"os.ErrDeadlineExceeded":   os.ErrDeadlineExceeded,
			"strconv.ErrRange":         strconv.ErrRange,
			"strconv.ErrSyntax":        strconv.ErrSyntax,
		},
		names:   map[error]string{},
		types:   map[string]*errorType{},
		layouts: map[reflect.Type]*errorType{},
	}
	for name, sentinel := range r.sentinels {
		r.names[sentinel] = name
	}
	for name, t := range map[string]reflect.Type{
		"fs.PathError":     reflect.TypeFor[*fs.PathError](),
		"os.LinkError":     reflect.TypeFor[*os.LinkError](),
		"os.SyscallError":  reflect.TypeFor[*os.SyscallError](),
		"strconv.NumError": reflect.TypeFor[*strconv.NumError](),
	} {
		r.addType(name, t)
	}
	r.add(reflect.TypeFor[syscall.Errno](), &errorType{name: "syscall.Errno", write: writeErrno, read: readErrno})
	return r
}

// writeErrno says on which system the number means something.
func writeErrno(e *encoder, err error) error {
	e.buf = appendHead(e.buf, majorArray, 2)
	e.buf = appendString(e.buf, runtime.GOOS)
	e.buf = appendHead(e.buf, majorUint, uint64(err.(syscall.Errno)))
	return nil
}

// readErrno gives nothing on another system: the error then keeps its text, and its likeness to fs.ErrNotExist and
// such by the list of sentinels that every error carries.
func readErrno(d *decoder) (error, error) {
	if err := d.array(2); err != nil {
		return nil, err
	}
	system, rest, err := readText(d.data)
	if err != nil {
		return nil, err
	}
	number, rest, err := readOpen(rest, majorUint, "an integer that is not negative")
	if err != nil {
		return nil, err
	}
	d.data = rest
	errno := syscall.Errno(number)
	if string(system) != runtime.GOOS || uint64(errno) != number {
		return nil, nil
	}
	return errno, nil
}
