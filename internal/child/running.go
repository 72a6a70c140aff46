package child

import (
	"net"
	"time"
)

// running is a worker that was started.
type running interface {
	socket() net.Conn
	gone() <-chan struct{} // closed once it has ended, with all that it has started
	pid() int              // 0 for one that has no process
	kill()
	stacks() // makes it write the stacks of its goroutines, and exit
	// wait waits for its end, which it brings about if that takes longer, and says how it ended.
	wait(within time.Duration) string
	last() string                         // what it has written last
	used() (cpu time.Duration, mem int64) // once it has ended; 0 for one that has no process
}

// goroutine is a worker in this process.
type goroutine struct {
	conn  net.Conn
	ended chan struct{}
}

func startHere(serve func(net.Conn)) *goroutine {
	mine, its := net.Pipe()
	g := &goroutine{conn: mine, ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		serve(its)
		_ = its.Close()
	}()
	return g
}

func (g *goroutine) socket() net.Conn      { return g.conn }
func (g *goroutine) gone() <-chan struct{} { return g.ended }
func (g *goroutine) pid() int              { return 0 }
func (g *goroutine) kill()                 { _ = g.conn.Close() }
func (g *goroutine) stacks()               {}
func (g *goroutine) last() string          { return "" }

func (g *goroutine) used() (time.Duration, int64) { return 0, 0 }

func (g *goroutine) wait(time.Duration) string {
	g.kill()
	<-g.ended
	return "ended"
}
