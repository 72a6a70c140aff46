package quiet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is both ends of a connection, the first one quiet; plain is the one within.
func pair(t *testing.T) (mine, its net.Conn, plain *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if its, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	mine = Conn(dialled)
	if (mine != dialled) != (runtime.GOOS == "linux") {
		t.Errorf("on %s it is a %T", runtime.GOOS, mine)
	}
	t.Cleanup(func() {
		_ = mine.Close()
		_ = its.Close()
	})
	return mine, its, dialled.(*net.TCPConn)
}

// What is longer than all buffers goes through, both ways at once, and ends with io.EOF.
func TestBothWays(t *testing.T) {
	mine, its, plain := pair(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	echoed := make(chan error, 1)
	go func() {
		_, err := io.Copy(struct{ io.Writer }{its}, struct{ io.Reader }{its})
		echoed <- errors.Join(err, its.Close())
	}()
	written := make(chan error, 1)
	go func() {
		n, err := mine.Write(want)
		if n != len(want) {
			t.Errorf("%d of %d bytes are written", n, len(want))
		}
		written <- err
	}()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(mine, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("other bytes come, %v", err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if n, err := mine.Read(nil); n != 0 || err != nil {
		t.Errorf("nothing is read as %d, %v", n, err)
	}
	if c, ok := mine.(interface{ WriteNow([]byte) int }); ok && c.WriteNow([]byte("x")) != 1 {
		t.Error("a byte isn't written at once")
	} else if !ok {
		_, _ = mine.Write([]byte("x"))
	}
	if n, err := mine.Read(got); n != 1 || err != nil || got[0] != 'x' {
		t.Errorf("got %q, %v", got[:n], err)
	}
	if err := plain.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := mine.Read(got); n != 0 || err != io.EOF { //nolint:errorlint // readers expect the bare one
		t.Errorf("the end is %d, %v", n, err)
	}
	if err := <-echoed; err != nil {
		t.Error(err)
	}
}

// A read that waits ends with the connection or at its deadline, with the errors of any other.
func TestEnds(t *testing.T) {
	mine, its, _ := pair(t)
	if err := mine.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	_ = mine.SetReadDeadline(time.Time{})
	ended := make(chan error, 1)
	go func() {
		_, err := mine.Read(make([]byte, 1))
		ended <- err
	}()
	_ = mine.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read at the end: %v", err)
	}
	if _, err := mine.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after the end: %v", err)
	}
	other, _, _ := pair(t)
	if _, err := other.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	_ = its.Close()
}

// Who writes to nobody is told so.
func TestNobodyReads(t *testing.T) {
	mine, its, _ := pair(t)
	_ = its.Close()
	var err error
	for range 1 << 16 { // the first writes may go into a buffer
		if _, err = mine.Write(make([]byte, 1<<10)); err != nil {
			break
		}
	}
	var failed *net.OpError
	if !errors.As(err, &failed) || failed.Op != "write" {
		t.Errorf("got %v", err)
	}
}

// What isn't the operating system's stays as it is.
func TestPipe(t *testing.T) {
	a, b := net.Pipe()
	if Conn(a) != a {
		t.Error("it is another one")
	}
	_, _ = a.Close(), b.Close()
}
