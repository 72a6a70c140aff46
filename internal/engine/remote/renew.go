package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/musterrun/muster/protocol"
)

// renew keeps the job this driver's.
func (c *Carrier) renew() {
	timer := time.NewTimer(c.opened.Ages.Renew)
	defer timer.Stop()
	gap := c.opened.Ages.Renew / 20 // between two renewals that something asked for
	for last := time.Now(); ; {
		select {
		case <-c.ctx.Done():
			return
		case <-timer.C:
		case <-c.renewing:
			if wait := gap - time.Since(last); wait > 0 {
				timer.Reset(wait)
				continue
			}
		}
		last = time.Now()
		timer.Reset(c.renewOnce(last))
	}
}

// renewOnce gives how long to wait for the next.
func (c *Carrier) renewOnce(now time.Time) time.Duration {
	ages := &c.opened.Ages
	ctx, cancel := context.WithTimeout(c.ctx, ages.Dead/2)
	defer cancel()
	load := c.job.Load()
	load.Job, load.Epoch, load.Read = c.opened.Job, c.opened.Epoch, c.read.Load()
	err := c.asks.Ask(ctx, protocol.OpRenewJob, &load, nil)
	var refused *protocol.Refusal
	switch {
	case err == nil:
		c.renewed(now)
		return ages.Renew
	case errors.As(err, &refused) && refused.Code == protocol.CodeSuperseded:
		c.lose(fmt.Errorf("another driver has taken over job %s: %w; this one does nothing more", c.opened.Job, err))
	case errors.As(err, &refused) && refused.Code == protocol.CodeUnknown:
		c.lose(fmt.Errorf("job %s was cancelled or removed: %w", c.opened.Job, err))
	case errors.As(err, &refused) && refused.Code == protocol.CodeForbidden:
		c.lose(fmt.Errorf("job %s may not go on: %w", c.opened.Job, err))
	}
	return ages.Renew / 4
}

func (c *Carrier) renewed(asked time.Time) {
	c.mu.Lock()
	resumed := c.lease.renew(asked)
	c.paused.Store(false)
	c.mu.Unlock()
	if resumed {
		c.note("the cluster answers again: the job goes on")
		c.Wake()
	}
}

// lose ends the carrying: the job is another's, or over.
func (c *Carrier) lose(err error) {
	c.lost.Do(func() {
		c.mu.Lock()
		c.cause = err
		c.mu.Unlock()
		c.end()
		c.config.Superseded(err)
	})
}
