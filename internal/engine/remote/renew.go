package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/musterrun/muster/cluster/join"
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
	load := c.load()
	var answer protocol.JobRenewed
	err := c.asker().Ask(ctx, protocol.OpRenewJob, &load, &answer)
	if err == nil {
		c.refused = time.Time{}
		c.told(&load)
		c.renewed(now)
		c.keepTo(answer.Quota)
		return ages.Renew
	}
	var refused *protocol.Refusal
	switch {
	case errors.As(err, &refused) && final[refused.Code]:
		c.lose(err)
	case c.shutOut(err, now):
		c.lose(join.ErrRefused)
	}
	return ages.Renew / 4
}

// shutOut reports whether the user, who asks when the job isn't let in, has been turned down for so long that this will
// not pass: a server that has just been started may not know everybody yet.
func (c *Carrier) shutOut(err error, now time.Time) bool {
	if !errors.Is(err, join.ErrRefused) {
		c.refused = time.Time{}
		return false
	}
	if c.refused.IsZero() {
		c.refused = now
	}
	return now.Sub(c.refused) > c.opened.Ages.Dead/4
}

// load is what the head is told of the job: of the attempts that didn't succeed those that it doesn't know yet.
func (c *Carrier) load() protocol.RenewJob {
	load := c.job.Load()
	load.Job, load.Epoch, load.Read = c.opened.Job, c.opened.Epoch, c.readUpTo()
	last := c.attempts.Load()
	load.Attempts = slices.DeleteFunc(load.Attempts, func(a protocol.LostAttempt) bool { return a.Number <= last })
	return load
}

// told notes what the head knows now.
func (c *Carrier) told(load *protocol.RenewJob) {
	if n := len(load.Attempts); n > 0 {
		c.attempts.Store(load.Attempts[n-1].Number)
	}
}

// keepTo takes a quota, and has the head told soon that it is kept: until then nobody else is given what this job gives up.
func (c *Carrier) keepTo(q *protocol.Quota) {
	if q == nil || c.quota != nil && c.quota.Equal(q) {
		return
	}
	had := c.quota
	c.quota = q
	c.config.Quota(*q)
	if had == nil || !maps.EqualFunc(had.ByName(), q.ByName(), func(a, b protocol.QuotaOf) bool { return a.N == b.N }) {
		c.renewing.give()
	}
}

// final are the refusals that no later renewal would change.
var final = map[string]bool{protocol.CodeSuperseded: true, protocol.CodeUnknown: true, protocol.CodeForbidden: true}

// asker is who renews: the job itself, or its user if the head lets the job's key in no more, as it does once another
// driver has the job. The answer tells which it is.
func (c *Carrier) asker() Control {
	if c.conn.IsConnected() {
		return c.asks
	}
	return c.config.Cluster
}

func (c *Carrier) renewed(asked time.Time) {
	c.mu.Lock()
	resumed := c.lease.Renew(asked)
	c.paused.Store(false)
	c.mu.Unlock()
	if resumed {
		c.note("the cluster answers again: the job goes on")
		c.Wake()
	}
}

// lose ends the carrying: the job is another's, or over.
func (c *Carrier) lose(why error) {
	c.lost.Do(func() {
		err := fmt.Errorf("this driver stops: %w", why)
		c.mu.Lock()
		c.cause = err
		c.mu.Unlock()
		c.end()
		c.config.Superseded(err)
	})
}
