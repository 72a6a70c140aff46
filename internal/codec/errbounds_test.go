package codec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ring wraps itself.
type ring struct{ Err error }

func (*ring) Error() string { return "ring" }

func (r *ring) Unwrap() error { return r.Err }

// registeredRing does so through a field that travels.
type registeredRing struct{ Err error }

func (*registeredRing) Error() string { return "registered ring" }

func (r *registeredRing) Unwrap() error { return r.Err }

func init() {
	RegisterErrorType("codec_test.registeredRing", reflect.TypeFor[*registeredRing]())
	RegisterErrorType("codec_test.owned", reflect.TypeFor[*owned]())
}

func depthOf(err error) (depth int) {
	for ; err != nil; depth++ {
		err = errors.Unwrap(err)
	}
	return depth
}

func TestCyclicErrorsEnd(t *testing.T) {
	r := &ring{}
	r.Err = r
	if got := travel(t, r); depthOf(got) != maxErrorDepth || got.Error() != "ring" {
		t.Errorf("depth %d", depthOf(got))
	}
	rr := &registeredRing{}
	rr.Err = rr
	if got := travel(t, rr); depthOf(got) != maxErrorDepth {
		t.Errorf("depth %d", depthOf(got))
	}
	both := &joined{}
	both.errs = []error{both, both}
	if data, err := AppendError(nil, both); err != nil || len(data) > maxErrorNodes*40 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// owned is an error that leads back to the value that holds it, twice.
type owned struct{ Owner *owner }

func (*owned) Error() string { return "owned" }

type owner struct{ A, B error }

// No static type shows this cycle: only the bounds of errors end it.
func TestCyclesThroughErrorsEnd(t *testing.T) {
	o := &owner{}
	o.A, o.B = &owned{o}, &owned{o}
	data := encode(t, o)
	if len(data) > maxErrorNodes*200 {
		t.Errorf("%d bytes", len(data))
	}
	decode[*owner](t, data)
	if path := planOf[*owner](t).Diff(&o, &o); path != "" {
		t.Error("differs from itself at", path)
	}
}

type joined struct{ errs []error }

func (*joined) Error() string { return "joined" }

func (j *joined) Unwrap() []error { return j.errs }

func TestWideErrorsAreCut(t *testing.T) {
	many := make([]error, 5000)
	for i := range many {
		many[i] = fmt.Errorf("item %d", i)
	}
	sent := errors.Join(many...)
	got := travel(t, sent)
	if got.Error() != sent.Error() {
		t.Error("the text was cut too")
	}
	if kept := got.(interface{ Unwrap() []error }).Unwrap(); len(kept) != maxErrorNodes-1 || kept[0].Error() != "item 0" {
		t.Errorf("%d kept", len(kept))
	}
	wide := make([]error, maxErrorNodes)
	for i := range wide {
		wide[i] = fmt.Errorf("x: %w", io.EOF)
	}
	_ = travel(t, fmt.Errorf("y: %w", errors.Join(wide...)))
	if got := travel(t, &joined{[]error{nil}}); depthOf(got) != 1 {
		t.Error("something came out of nothing")
	}
}

func TestEachErrorOfAValueHasItsOwnBounds(t *testing.T) {
	many := make([]error, 2*maxErrorNodes)
	for i := range many {
		many[i] = fmt.Errorf("x: %w", io.EOF)
	}
	for i, err := range roundTrip(t, many) {
		if !errors.Is(err, io.EOF) {
			t.Fatal("cut at", i)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	text := strings.Repeat("x", maxErrorText-1)
	got := travel(t, fmt.Errorf("%w", errors.New(text)))
	if got.Error() != text {
		t.Error("the outer text was cut")
	}
	if inner := errors.Unwrap(got).Error(); inner != "x... (1048575 bytes of text)" {
		t.Errorf("the inner text is %.99q", inner)
	}
}

// broken has methods that fail when they are needed.
type broken struct{ text string }

func (b *broken) Error() string { return b.text }

func (b *broken) Is(error) bool { panic("is") }

func (b *broken) Unwrap() error { panic("unwrap") }

func TestBrokenErrorsArrive(t *testing.T) {
	if got := travel(t, &broken{"text"}); got.Error() != "text" {
		t.Error(got)
	}
	for _, err := range []error{(*broken)(nil), (*fs.PathError)(nil)} {
		want := fmt.Sprintf("%T, whose Error method panicked: runtime error: invalid memory address or nil pointer dereference", err)
		if got := travel(t, err); got.Error() != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestErrorsThatCannotBeWritten(t *testing.T) {
	bad := fmt.Errorf("x: %w", &quotaError{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Err: io.EOF})
	const want = "encode error(codec_test.quotaError).At: "
	dst, err := AppendError([]byte("kept"), errors.Join(io.EOF, bad))
	if err == nil || !strings.HasPrefix(err.Error(), want) || string(dst) != "kept" {
		t.Errorf("%v, want %s", err, want)
	}
	in, other := []error{bad}, []error{io.EOF}
	p := planOf[[]error](t)
	if p.Diff(&in, &in) != "" || p.Diff(&in, &other) != "[0]" {
		t.Error("what can't be written differs from itself, or not from what can")
	}
}

// Another system's error numbers mean nothing here, but what they are like does.
func TestErrnoFromAnotherSystem(t *testing.T) {
	data, err := AppendError(nil, syscall.ENOENT)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := strings.Replace(string(data), runtime.GOOS, strings.Repeat("x", len(runtime.GOOS)), 1)
	got, err := DecodeError([]byte(elsewhere))
	if err != nil || got.Error() != syscall.ENOENT.Error() || !errors.Is(got, fs.ErrNotExist) || errors.Is(got, syscall.ENOENT) {
		t.Error(got, err)
	}
}

// A reader that doesn't know a name gets the text.
func TestUnknownNames(t *testing.T) {
	for _, err := range []error{errQuota, &quotaError{User: "ann", Err: io.EOF}, likeEOF{}} {
		data, failure := AppendError(nil, err)
		if failure != nil {
			t.Fatal(failure)
		}
		unknown := strings.ReplaceAll(string(data), "codec_test", "codec_best")
		got, failure := DecodeError([]byte(unknown))
		if failure != nil || got.Error() != err.Error() || errors.Is(got, errQuota) {
			t.Error(got, failure)
		}
	}
}

func TestDecodeErrorRefuses(t *testing.T) {
	const head = "da6d657272 "
	for data, want := range map[string]string{
		"":                         "decode error: the data ends too early",
		"f6 f6":                    "decode error: 1 bytes are left over",
		"60":                       "decode error: found a text string, want an error",
		"c0 60":                    "decode error: found tag 0, want 1835364978, an error",
		head + "84":                "decode error: found an array of 4, want 5",
		head + "60":                "decode error: found a text string, want an array",
		head + "85 00":             "decode error: found an integer, want a string",
		head + "85 60 00":          "decode error: found an integer, want a string",
		head + "85 60 f6 82":       "decode error(): unexpected EOF",
		head + "85 60 f6 f6 60":    "decode error: found a text string, want the names of errors",
		head + "85 60 f6 f6 81":    "decode error: the data ends too early",
		head + "85 60 f6 f6 f6 60": "decode error: found a text string, want an error",
		head + "85 60 f6 f6 f6 9f": "decode error: found an item of indefinite length, only definite lengths are read",
		head + "85 60 f6 f6 f6 82": "decode error: the data ends too early",
		head + "85 60 f6 f6 f6 81 f6" + strings.Repeat(" 00", 11):                 "decode error[0]: found null, want an error",
		head + "85 60 f6 f6 f6 81" + strings.Repeat(" 00", 11):                    "decode error[0]: found an integer, want an error",
		head + "85 60 6d 73797363616c6c2e4572726e6f 60":                           "decode error(syscall.Errno): found a text string, want an array",
		head + "85 60 6d 73797363616c6c2e4572726e6f 82 00":                        "decode error(syscall.Errno): found an integer, want a string",
		head + "85 60 6d 73797363616c6c2e4572726e6f 82 60 60":                     "decode error(syscall.Errno): found a text string, want an integer that is not negative",
		head + "85 60 6c 66732e506174684572726f72 a0":                             "decode error(fs.PathError): the data ends too early",
		head + "85 60 6c 66732e506174684572726f72 a0" + strings.Repeat(" 00", 16): "decode error(fs.PathError).Op: the field is missing",
		strings.Repeat(head+"85 60 f6 f6 f6 ", maxErrorDepth+1):                   "decode error: errors nested deeper than 64 levels",
	} {
		got, failure := DecodeError(unhex(t, data))
		if failure == nil || failure.Error() != want || got != nil {
			t.Errorf("%.60s:\n got %v\nwant %s", data, failure, want)
		}
	}
}
