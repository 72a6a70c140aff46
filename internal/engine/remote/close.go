package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Close ends the job, with the error with which it failed if it did, and waits for what was started here: call it when
// the Job has nothing more to do. The nodes are told, and the head. A job that was lost to another driver is left alone.
// It is safe to call again.
func (c *Carrier) Close(ctx context.Context, failed error) error {
	c.closing.Do(func() { c.closed = c.close(ctx, failed) })
	return c.closed
}

func (c *Carrier) close(ctx context.Context, failed error) (err error) {
	if c.ctx.Err() == nil {
		err = c.farewell(ctx, failed)
	}
	c.end()
	c.mu.Lock()
	subs := c.subs
	c.subs = nil
	c.mu.Unlock()
	for _, s := range subs {
		_ = s.Unsubscribe() // the connection is closed in a moment
	}
	c.running.Wait()
	c.conn.Close()
	return err
}

// farewell hands out nothing more, tells the nodes to end what they do, and closes the job.
func (c *Carrier) farewell(ctx context.Context, failed error) error {
	c.leaving.Store(true)
	c.mu.Lock()
	nodes := c.nodes.All()
	offers := c.lot.Clear()
	c.mu.Unlock()
	for _, p := range offers {
		c.answerEmpty(p)
	}
	for _, node := range nodes {
		c.Send(node, protocol.Quit{})
	}
	c.waitQuiet(ctx)
	if c.job != nil { // else it never started
		load := c.load()
		_ = c.asks.Ask(ctx, protocol.OpRenewJob, load, nil) // the last counts; the close says all else
	}
	request := protocol.CloseJob{Job: c.opened.Job, Epoch: c.opened.Epoch}
	if failed != nil {
		request.Error = failed.Error()
	}
	if err := c.closeJob(ctx, &request); err != nil {
		return fmt.Errorf("close job %s: %w; the cluster ends it by itself", c.opened.Job, err)
	}
	return nil
}

// closeJob says that the job is over, and again where nobody answers: what a head was told that was killed then is lost.
func (c *Carrier) closeJob(ctx context.Context, request *protocol.CloseJob) error {
	ctx, cancel := context.WithTimeout(ctx, longestFarewell)
	defer cancel()
	for {
		err := c.asks.Ask(ctx, protocol.OpCloseJob, request, nil)
		var refused *protocol.Refusal
		if errors.As(err, &refused) {
			if refused.Code == protocol.CodeUnknown || refused.Code == protocol.CodeSuperseded {
				return nil // it is over already
			}
			return err
		}
		if err == nil || errors.Is(err, join.ErrRefused) { // who isn't let in any more needn't ask again
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

const longestFarewell = 12 * time.Second

// waitQuiet waits until the nodes have heard all, but not long: the head's news reach them too.
func (c *Carrier) waitQuiet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(c.opened.Ages.Ask, time.Second))
	defer cancel()
	for {
		c.mu.Lock()
		idle := c.downs.Idle()
		c.mu.Unlock()
		if idle {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-c.ctx.Done():
			return
		case <-c.quiet:
		}
	}
}

// ended is why carrying has ended.
func (c *Carrier) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	return errClosed
}

var errClosed = errors.New("the job is closed")
