package yardstick

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

const (
	bufferSize = 256 << 10
	batchSize  = 64 << 10 // bytes of frames that gather while more of them are there
	workersEnd = 3        // the file descriptor of the worker's socket
)

// work is the worker: it executes what comes by its socket until that is closed.
func work() error {
	file := os.NewFile(workersEnd, "agent")
	conn, err := net.FileConn(file)
	if err != nil {
		return fmt.Errorf("the worker's socket: %w; it is for muster bench to start", err)
	}
	_ = file.Close()
	defer conn.Close()
	return workAt(conn)
}

func workAt(conn net.Conn) (err error) {
	in := bufio.NewReaderSize(conn, bufferSize)
	var out []byte
	for {
		began := len(out)
		if out, err = readFrame(in, out); err != nil {
			break
		}
		execute(out[began:])
		if in.Buffered() > 0 && len(out) < batchSize {
			continue
		}
		if _, err = conn.Write(out); err != nil {
			break
		}
		out = out[:0]
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("work: %w", err)
}
