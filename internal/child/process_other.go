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
	tail   *tail
	exited chan struct{}
}

var errNone = errors.New("worker processes need Linux or macOS: on this system there are none yet")

func start(*Spec) (running, error)              { return nil, errNone }
func launch(*Spec, *os.File) (*process, error)  { return nil, errNone }
func (p *process) pid() int                     { return 0 }
func (p *process) used() (time.Duration, int64) { return 0, 0 }
func (p *process) terminate()                   {}
func (p *process) code() int                    { return -1 }
func (p *process) how(bool) string              { return "ended" }
func isClosed(err error) bool                   { return errors.Is(err, net.ErrClosed) }

// KillGroup does nothing: there are no workers.
func KillGroup(int) {}
