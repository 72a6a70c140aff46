package agent

import (
	"fmt"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

// converse reads frames, from hello on, until there are no more or one makes no sense.
func (a *Agent) converse(p *proc, c *child, info *protocol.JobInfo, deadline *time.Timer, all *sync.WaitGroup) error {
	frames := protocol.NewFrameReader(c.conn)
	kind, body, err := frames.Next()
	if err != nil {
		return err
	}
	deadline.Stop()
	if kind != protocol.FrameHello {
		return fmt.Errorf("its first frame is of kind %d, not a hello", kind)
	}
	hello, err := protocol.ReadHello(body)
	if err != nil {
		return err
	}
	if missing := lacks(hello.Functions, info.Functions); len(missing) > 0 {
		p.job.log.Warn("the worker lacks functions of the job: tasks of these will fail", "functions", missing)
	}
	all.Go(func() {
		_ = p.out.run(c.conn)
		_ = c.conn.Close()
	})
	a.welcome(p, info)
	for {
		kind, body, err := frames.Next()
		if err != nil {
			return err
		}
		if err := a.frame(p, kind, body); err != nil {
			p.die(err.Error())
			return err
		}
	}
}

// lacks are the names in want that has doesn't have.
func lacks(has, want []string) (missing []string) {
	known := make(map[string]bool, len(has))
	for _, name := range has {
		known[name] = true
	}
	for _, name := range want {
		if !known[name] {
			missing = append(missing, name)
		}
	}
	return missing
}

// welcome tells a worker whom it works for, and gives it what waits for it.
func (a *Agent) welcome(p *proc, info *protocol.JobInfo) {
	w := protocol.Welcome{
		Major: protocol.Major, Minor: protocol.Minor, Job: p.job.id, Node: a.cfg.Node, Functions: info.Functions,
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.frame(protocol.FrameWelcome, w.Append)
	p.ready = true
	p.heard.Store(time.Now().UnixNano())
	p.job.failed = 0
	a.dispatch(p.job)
}
