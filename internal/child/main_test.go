//go:build unix

package child

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/protocol"
)

// role is the variable by which a test starts this binary as one of the workers below.
const role = "CHILD_TEST_ROLE"

// workers are what the children do, once they have said hello; each ends by itself or by its parent.
var workers = map[string]func(conn net.Conn, frames *protocol.FrameReader){
	"obedient": func(_ net.Conn, frames *protocol.FrameReader) {
		for {
			kind, _, err := frames.Next()
			if err != nil {
				os.Exit(7)
			}
			if kind == protocol.FrameQuit {
				os.Exit(0)
			}
		}
	},
	"answers": func(conn net.Conn, frames *protocol.FrameReader) {
		for {
			kind, _, err := frames.Next()
			if err != nil || kind == protocol.FrameQuit {
				os.Exit(0)
			}
			if kind == protocol.FramePing {
				_, _ = conn.Write(protocol.AppendFrame(nil, protocol.FramePong, nil))
			}
		}
	},
	"exits": func(net.Conn, *protocol.FrameReader) {
		fmt.Println("to the output")
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(3)
	},
	"is killed": func(net.Conn, *protocol.FrameReader) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	},
	"crashes": func(net.Conn, *protocol.FrameReader) {
		for range 1000 {
			go func() { select {} }()
		}
		var mu sync.Mutex
		mu.Unlock()
	},
	"garbage": func(conn net.Conn, _ *protocol.FrameReader) {
		_, _ = conn.Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		select {}
	},
	"stubborn": func(net.Conn, *protocol.FrameReader) { select {} },
}

func TestMain(m *testing.M) {
	name := os.Getenv(role)
	if name == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if name == "silent exit" {
		fmt.Fprintln(os.Stderr, "usage: none")
		os.Exit(2)
	}
	conn, err := net.FileConn(os.NewFile(3, "socket"))
	if err != nil || os.Getenv(protocol.EnvWorker) != "3" {
		panic(fmt.Sprint("no socket: ", err))
	}
	h := protocol.Hello{Major: protocol.Major, PID: os.Getpid(), Functions: []string{"f"}}
	_, _ = conn.Write(protocol.AppendFrame(nil, protocol.FrameHello, h.Append))
	workers[name](conn, protocol.NewFrameReader(conn))
}

// handler notes what it is told.
type handler struct {
	hello  chan *protocol.Hello
	frames chan protocol.FrameKind
	refuse error
}

func newHandler() *handler {
	return &handler{hello: make(chan *protocol.Hello, 1), frames: make(chan protocol.FrameKind, 100)}
}

func (h *handler) Hello(hello *protocol.Hello) { h.hello <- hello }

func (h *handler) Frame(kind protocol.FrameKind, _ []byte) error {
	h.frames <- kind
	return h.refuse
}

// begin runs a worker; the function it returns waits for its end.
func begin(c *Child, h Handler, name string, output *output) (end func() error) {
	ended := make(chan error, 1)
	go func() {
		ended <- c.Run(Spec{Path: os.Args[0], Env: append(os.Environ(), role+"="+name, "GORACE=atexit_sleep_ms=0"), Output: output}, h)
	}()
	return func() error { return <-ended }
}

// output is what a worker has written.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// gone reports whether no process of the group is left.
func gone(pid int) bool { return syscall.Kill(-pid, 0) == syscall.ESRCH }

const never = time.Hour // in tests that don't wait for it
