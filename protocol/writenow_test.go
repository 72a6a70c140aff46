//go:build unix

package protocol

import (
	"bytes"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestWriteNow(t *testing.T) {
	a, b := socketPair(t)
	if n := WriteNow(a, []byte("frame")); n != 5 {
		t.Fatalf("%d of 5 bytes are written", n)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(b, got); err != nil || string(got) != "frame" {
		t.Errorf("%q, %v", got, err)
	}
	sum, piece := 0, make([]byte, 1<<20)
	for {
		n := WriteNow(a, piece)
		if n == 0 {
			break // it is full, and nobody waits
		}
		sum += n
	}
	if n, err := io.CopyN(io.Discard, b, int64(sum)); err != nil || n != int64(sum) {
		t.Errorf("%d bytes of %d, %v", n, sum, err)
	}
	_ = a.Close()
	if n := WriteNow(a, piece); n != 0 {
		t.Errorf("%d bytes into a closed socket", n)
	}
	if n := WriteNow(&bytes.Buffer{}, piece); n != 0 {
		t.Errorf("%d bytes into what is no socket", n)
	}
}

func socketPair(t *testing.T) (a, b net.Conn) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		if conns[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		t.Cleanup(func() { _ = conns[i].Close() })
	}
	return conns[0], conns[1]
}
