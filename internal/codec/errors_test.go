package codec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// travel sends err to another process and back.
func travel(t testing.TB, err error) error {
	t.Helper()
	data, failure := AppendError(nil, err)
	if failure != nil {
		t.Fatalf("append %v: %v", err, failure)
	}
	if failure := cborDecoder.Wellformed(data); failure != nil {
		t.Fatalf("append %v gave %.99x: %v", err, data, failure)
	}
	got, failure := DecodeError(data)
	if failure != nil {
		t.Fatalf("decode %.99x: %v", data, failure)
	}
	return got
}

var errQuota = errors.New("quota exceeded")

type quotaError struct {
	User  string
	Limit int
	At    time.Time
	Err   error
}

func (e *quotaError) Error() string { return fmt.Sprintf("%s: limit %d: %v", e.User, e.Limit, e.Err) }

func (e *quotaError) Unwrap() error { return e.Err }

type codeError int

func (e codeError) Error() string { return fmt.Sprintf("code %d", int(e)) }

type pathsError struct{ Paths []string } // can't be compared

func (e pathsError) Error() string { return strings.Join(e.Paths, ",") }

func init() {
	RegisterError("codec_test.errQuota", errQuota)
	RegisterErrorType("codec_test.quotaError", reflect.TypeFor[*quotaError]())
	RegisterErrorType("codec_test.codeError", reflect.TypeFor[codeError]())
	RegisterErrorType("codec_test.pathsError", reflect.TypeFor[pathsError]())
}

func TestNoError(t *testing.T) {
	if err := travel(t, nil); err != nil {
		t.Error(err)
	}
}

func TestSentinelsAreTheSameValue(t *testing.T) {
	for _, err := range []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrShortWrite,
		fs.ErrInvalid, fs.ErrPermission, fs.ErrExist, fs.ErrNotExist, fs.ErrClosed, os.ErrDeadlineExceeded,
		errors.ErrUnsupported, strconv.ErrSyntax, strconv.ErrRange, io.ErrNoProgress, io.ErrShortBuffer,
		errQuota, syscall.ENOENT, syscall.Errno(9999), codeError(7),
	} {
		if got := travel(t, err); got != err {
			t.Errorf("%v (%T) became %v (%T)", err, err, got, got)
		}
		wrapped := travel(t, fmt.Errorf("outside: %w", fmt.Errorf("inside: %w", err)))
		if !errors.Is(wrapped, err) || wrapped.Error() != "outside: inside: "+err.Error() {
			t.Errorf("%v inside others became %v", err, wrapped)
		}
	}
}

func TestTextIsKeptExactly(t *testing.T) {
	for _, text := range []string{"", "boom", "two\nlines", "not \xff utf-8", strings.Repeat("long ", 100_000)} {
		if got := travel(t, errors.New(text)); got.Error() != text {
			t.Errorf("%.99q became %.99q", text, got)
		}
	}
}

func TestRegisteredTypes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	sent := fmt.Errorf("call: %w", &quotaError{"ann", 3, at, fmt.Errorf("disk: %w", errQuota)})
	got := travel(t, sent)
	var quota *quotaError
	if !errors.As(got, &quota) || quota.User != "ann" || quota.Limit != 3 || !quota.At.Equal(at) {
		t.Errorf("%+v", quota)
	}
	if !errors.Is(got, errQuota) || got.Error() != sent.Error() {
		t.Error(got)
	}
	var code codeError
	if !errors.As(travel(t, fmt.Errorf("x: %w", codeError(7))), &code) || code != 7 {
		t.Error(code)
	}
	var paths pathsError
	if !errors.As(travel(t, pathsError{[]string{"a", "b"}}), &paths) || len(paths.Paths) != 2 {
		t.Error(paths)
	}
}

func TestStandardTypes(t *testing.T) {
	open := &fs.PathError{Op: "open", Path: "p", Err: syscall.ENOENT}
	var path *fs.PathError
	got := travel(t, open)
	if !errors.As(got, &path) || path.Op != "open" || !errors.Is(got, fs.ErrNotExist) || !errors.Is(got, syscall.ENOENT) {
		t.Error(got)
	}
	var link *os.LinkError
	if got := travel(t, &os.LinkError{Op: "link", Old: "a", New: "b", Err: syscall.EEXIST}); !errors.As(got, &link) || link.New != "b" || !errors.Is(got, fs.ErrExist) {
		t.Error(got)
	}
	var call *os.SyscallError
	if got := travel(t, os.NewSyscallError("read", syscall.EACCES)); !errors.As(got, &call) || !errors.Is(got, fs.ErrPermission) {
		t.Error(got)
	}
	_, parse := strconv.Atoi("x")
	var num *strconv.NumError
	if got := travel(t, parse); !errors.As(got, &num) || num.Num != "x" || !errors.Is(got, strconv.ErrSyntax) {
		t.Error(got)
	}
}

func TestTreesKeepTheirStructure(t *testing.T) {
	sent := errors.Join(io.EOF, fmt.Errorf("%w and %w", errQuota, errors.New("plain")), nil)
	got := travel(t, sent)
	if got.Error() != sent.Error() {
		t.Errorf("%q became %q", sent, got)
	}
	outside := got.(interface{ Unwrap() []error }).Unwrap()
	if len(outside) != 2 || outside[0] != io.EOF {
		t.Fatalf("%q", outside)
	}
	inside := outside[1].(interface{ Unwrap() []error }).Unwrap()
	if len(inside) != 2 || inside[0] != errQuota || inside[1].Error() != "plain" {
		t.Errorf("%q", inside)
	}
	if one := travel(t, errors.Join(io.EOF)).(interface{ Unwrap() []error }).Unwrap(); len(one) != 1 {
		t.Error("a list of one became", one)
	}
}

// A second journey changes nothing.
func TestDecodedErrorsTravelOn(t *testing.T) {
	sent := errors.Join(fmt.Errorf("a: %w", &quotaError{Err: io.EOF}), likeEOF{}, errors.New("b"))
	first, _ := AppendError(nil, sent)
	second, _ := AppendError(nil, travel(t, sent))
	if string(first) != string(second) {
		t.Errorf("% x\nbecame\n% x", first, second)
	}
}

// likeEOF is an error by its method only.
type likeEOF struct{}

func (likeEOF) Error() string { return "like EOF" }

func (likeEOF) Is(target error) bool { return target == io.EOF || target == errQuota }

func TestIsMethods(t *testing.T) {
	got := travel(t, fmt.Errorf("x: %w", likeEOF{}))
	if !errors.Is(got, io.EOF) || !errors.Is(got, errQuota) || errors.Is(got, io.ErrUnexpectedEOF) {
		t.Error(got)
	}
}

func TestErrorFields(t *testing.T) {
	type result struct {
		Name string
		Err  error
		More []error
		By   map[string]error
		Own  interface{ Error() string }
	}
	in := result{"n", io.EOF, []error{nil, errQuota, fmt.Errorf("x: %w", io.EOF)}, map[string]error{"k": codeError(3)}, errQuota}
	out := roundTrip(t, in)
	if out.Err != io.EOF || out.More[0] != nil || out.More[1] != errQuota || !errors.Is(out.More[2], io.EOF) ||
		out.By["k"] != codeError(3) || out.Own != errQuota {
		t.Errorf("%+v", out)
	}
	other := out
	other.Err = io.ErrUnexpectedEOF
	if path := planOf[result](t).Diff(&in, &other); path != ".Err" {
		t.Errorf("differ at %q", path)
	}
	roundTrip(t, result{})
}
