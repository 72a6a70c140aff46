package cluster

import (
	"context"
	"net"
	"sync"
	"time"
)

// proxy passes bytes on between whoever connects to it and a target, unless it is cut: then it takes them, and keeps
// them and the ends of connections to itself, as a network does that loses packets.
type proxy struct {
	listener net.Listener
	target   string
	ctx      context.Context //nolint:containedctx // ends with the proxy
	end      context.CancelFunc
	all      sync.WaitGroup

	mu   sync.Mutex
	open chan struct{} // closed while bytes may pass
}

// proxies are all that lead to one place.
type proxies []*proxy

func (all proxies) cut()   { all.each((*proxy).cut) }
func (all proxies) heal()  { all.each((*proxy).heal) }
func (all proxies) close() { all.each((*proxy).close) }

func (all proxies) each(do func(*proxy)) {
	for _, p := range all {
		do(p)
	}
}

func startProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, open: make(chan struct{})}
	close(p.open)
	p.ctx, p.end = context.WithCancel(context.Background())
	p.all.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.open:
		p.open = make(chan struct{})
	default:
	}
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

// pass waits until bytes may pass, or reports that the proxy has ended.
func (p *proxy) pass() bool {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	select {
	case <-open:
		return true
	case <-p.ctx.Done():
		return false
	}
}

func (p *proxy) close() {
	p.end()
	_ = p.listener.Close()
	p.all.Wait()
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.connect(c) })
	}
}

// connect passes on what comes from c and what is answered, until either side ends.
func (p *proxy) connect(c net.Conn) {
	defer c.Close()
	if !p.pass() {
		return
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	to, err := d.DialContext(p.ctx, "tcp", p.target)
	if err != nil {
		return
	}
	defer to.Close()
	defer context.AfterFunc(p.ctx, func() { _, _ = c.Close(), to.Close() })()
	var both sync.WaitGroup
	both.Go(func() { p.copy(to, c) })
	both.Go(func() { p.copy(c, to) })
	both.Wait()
}

// copy closes to when from has ended and that may be known.
func (p *proxy) copy(to, from net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if !p.pass() {
			return
		}
		if n > 0 {
			if _, e := to.Write(buf[:n]); e != nil {
				err = e
			}
		}
		if err != nil {
			_, _ = to.Close(), from.Close()
			return
		}
	}
}
