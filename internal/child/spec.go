package child

import (
	"io"
	"net"
	"os"
	"syscall"
)

// Spec says how to start a worker. Its environment is Env, and the variable that tells it that it is one.
type Spec struct {
	Path    string
	Name    string // what it sees as its own name, os.Args[0]. Defaults to Path.
	Args    []string
	Env     []string
	Dir     string        // Defaults to this process's.
	Stdout  *os.File      // its standard output. Defaults to Output.
	Output  io.Writer     // gets what it writes to its standard error; the last 4 KiB are kept for the error of its end
	Started func(pid int) // called once it is started, before it is listened to; may be nil
	// Killed is asked why the system has killed it, if it was killed and not from here: "was ..."; "" if it doesn't know.
	Killed func() string // may be nil
	// Attributes changes how the system starts it, such as under which account; may be nil.
	Attributes func(*syscall.SysProcAttr)
	// Serve, if it isn't nil, is the worker, in this process: it speaks by the connection until that is closed, and the
	// other fields count for nothing. That is for tests with more workers than the machine could have processes.
	Serve func(net.Conn)
}

func (s *Spec) start() (running, error) {
	if s.Serve != nil {
		return startHere(s.Serve), nil
	}
	return start(s)
}
