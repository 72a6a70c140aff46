//go:build !unix

package child

import (
	"errors"
	"net"
	"os"
	"time"
)

// Supported reports whether this system can have workers.
const Supported = false

type process struct {
	conn   net.Conn
	tail   *tail
	exited chan struct{}
}

func start(*Spec) (*process, error) {
	return nil, errors.New("worker processes need Linux or macOS: on this system there are none yet")
}

func (p *process) pid() int                        { return 0 }
func launch(s *Spec, _ *os.File) (*process, error) { return start(s) }

func (p *process) used() (time.Duration, int64) { return 0, 0 }
func (p *process) terminate()                   {}
func (p *process) code() int                    { return -1 }
func (p *process) how(bool) string              { return "ended" }
func (p *process) stacks()                      {}
func (p *process) wait(time.Duration) string    { return "ended" }
func isClosed(err error) bool                   { return errors.Is(err, net.ErrClosed) }

// KillGroup does nothing: there are no workers.
func KillGroup(int) {}
