package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// Open opens a job: the cluster gets the program's executables and files that it hasn't, and this process connects as
// the job. Offers of room are parked from then on. The error wraps a *protocol.Refusal if the head refused, with
// CodeHeld if the job has a driver that lives.
func Open(ctx context.Context, config Config) (*Carrier, error) {
	config.setDefaults()
	seed, public, err := join.NewKey()
	if err != nil {
		return nil, fmt.Errorf("make the job's key: %w", err)
	}
	ask, err := config.request(ctx, public)
	if err != nil {
		return nil, err
	}
	c := newCarrier(config)
	asked := time.Now()
	if err := config.ask(ctx, ask, &c.opened); err != nil {
		return nil, fmt.Errorf("open the job: %w", err)
	}
	c.setAges(asked)
	if c.conn, c.asks, err = config.Cluster.Connect(ctx, c.opened.Job, c.opened.JWT, seed); err != nil {
		return nil, fmt.Errorf("connect as job %s: %w", c.opened.Job, err)
	}
	if err := c.listen(ctx); err != nil {
		c.end()
		c.running.Wait()
		c.conn.Close()
		return nil, err
	}
	return c, nil
}

// ask asks the head for the job until it answers, but not long, or as long as the head says that the job waits for a place.
// To ask again changes nothing, since Driver and the key are the same.
func (c *Config) ask(ctx context.Context, in *protocol.OpenJob, out *protocol.JobOpened) error {
	queued := false
	for deadline := time.Now().Add(openWithin); ; {
		err := c.askOnce(ctx, deadline, in, out)
		pause := openAgain
		var refused *protocol.Refusal
		switch {
		case err == nil:
			if queued {
				c.Note("the job has its place on the cluster, and begins")
			}
			return nil
		case errors.As(err, &refused) && refused.Code == protocol.CodeQueued:
			if !queued {
				c.Note(refused.Text + "; it begins as soon as it has one")
			}
			queued, pause, deadline = true, queueAgain, time.Now().Add(openWithin)
		case errors.As(err, &refused) && refused.Code == protocol.CodeHeld && !in.TakeOver && c.holderIsGone(ctx, in):
			in.TakeOver = true
			continue
		case errors.As(err, &refused):
			return err
		case time.Now().After(deadline):
			return err
		default:
			c.Note("the cluster's head doesn't answer yet; it is asked again: " + err.Error())
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (c *Config) askOnce(ctx context.Context, deadline time.Time, in *protocol.OpenJob, out *protocol.JobOpened) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return c.Cluster.Ask(ctx, protocol.OpOpenJob, in, out)
}

const (
	openWithin = 20 * time.Second
	openAgain  = 100 * time.Millisecond
	queueAgain = time.Second
)

func newCarrier(config Config) *Carrier {
	c := &Carrier{
		config: config, rests: map[string][]part{}, once: map[string]bool{}, prefers: maphash.MakeSeed(),
		spread: dispatch.NewSpread(config.handOver / 2),
		wake:   newSignal(), speak: newSignal(), deciding: newSignal(), quiet: newSignal(), renewing: newSignal(),
	}
	c.ctx, c.end = context.WithCancel(context.Background())
	return c
}

// setAges makes the parts that need them. The job was asked for at the given time.
func (c *Carrier) setAges(asked time.Time) {
	ages := &c.opened.Ages
	setDefault(&ages.Renew, 5*time.Second)
	setDefault(&ages.Dead, 15*time.Second)
	setDefault(&ages.Ask, 3*time.Second)
	c.nodes = dispatch.NewNodes(*ages)
	c.lease = dispatch.NewLease(ages.Dead, asked)
	c.decisions.epoch = c.opened.Epoch
	c.roll = dispatch.NewRollCall(c.opened.Epoch, time.Now())
}

// listen subscribes to all but what nodes' attempts say, which is for Start: nobody would hear it yet.
func (c *Carrier) listen(ctx context.Context) error {
	c.journal.server = c.conn.ConnectedServerId
	c.inbox, c.server = c.conn.NewInbox(), c.conn.ConnectedServerId()
	c.watchLink()
	job := c.opened.Job
	for subject, f := range map[string]nats.MsgHandler{
		protocol.OfferSubject(job): c.onOffer,
		protocol.Digest:            c.onDigest,
		protocol.NewsSubject(job):  c.onNews,
		protocol.AnswerSubject(c.inbox, protocol.AnswerDown, "*", "*"): c.onAnswer,
		c.decisionInbox(): c.onStored,
	} {
		if _, err := c.subscribe(subject, f); err != nil {
			return err
		}
	}
	return c.arrived(ctx)
}

func (c *Carrier) subscribe(subject string, f nats.MsgHandler) (*nats.Subscription, error) {
	sub, err := c.conn.Subscribe(subject, f)
	if err != nil {
		return nil, fmt.Errorf("listen to %s: %w", subject, err)
	}
	if err := sub.SetPendingLimits(-1, unreadSize); err != nil {
		return nil, fmt.Errorf("listen to %s: %w", subject, err)
	}
	c.mu.Lock()
	c.subs = append(c.subs, sub)
	c.mu.Unlock()
	return sub, nil
}

// arrived waits until the server has all that was sent to it, so that it lets nobody believe that nobody listens. A head
// that goes away meanwhile is waited for: what was subscribed is so again once it is back.
func (c *Carrier) arrived(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	for {
		err := c.conn.FlushWithContext(ctx)
		if err == nil {
			return nil
		}
		if c.conn.IsClosed() || ctx.Err() != nil {
			return fmt.Errorf("wait for the cluster's head: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(openAgain):
		}
	}
}

// request is what is asked of the head, once it has the blobs.
func (c *Config) request(ctx context.Context, public string) (*protocol.OpenJob, error) {
	if c.Cluster == nil {
		return nil, errors.New("open a job: Config.Cluster says where, and is nil")
	}
	binaries, err := c.uploadBinaries(ctx)
	if err != nil {
		return nil, err
	}
	files, err := c.uploadFiles(ctx)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // for people
	return &protocol.OpenJob{
		Major: protocol.Major, Minor: protocol.Minor,
		Name: c.Name, Program: c.Program, Functions: c.Functions,
		Binaries: binaries, Args: c.Args, Env: c.Env, Files: files,
		Host: host, PID: os.Getpid(), Place: place(), Driver: rand.Text(), TakeOver: c.TakeOver, PublicKey: public,
	}, nil
}
