package yardstick

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	mostFlying  = 64                    // messages of results that may be unconfirmed
	messageSize = 128 << 10             // a message of results isn't added to beyond it
	toldFor     = 20 * time.Millisecond // after which results that the driver was told of are appended
)

// agent stands between the server and a worker.
type agent struct {
	conn    *nats.Conn
	worker  net.Conn
	tasks   chan *nats.Msg
	confirm string        // the subject of confirmations
	flying  chan struct{} // one for each message that isn't confirmed

	mu    sync.Mutex
	told  []byte // results of which the driver was told and that aren't appended yet
	timer *time.Timer
}

// represent is the agent: it starts a worker, says that it is ready, and ends when in does.
func represent(ctx context.Context, p place, worker *exec.Cmd, in io.Reader, say func(any) error) error {
	conn, err := p.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	socket, err := startWorker(worker)
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	a := &agent{
		conn: conn, worker: socket, tasks: make(chan *nats.Msg, 16*window), confirm: conn.NewInbox(),
		flying: make(chan struct{}, mostFlying),
	}
	err = a.run(ctx, in, say)
	_ = socket.Close() // the worker ends then
	return errors.Join(err, worker.Wait())
}

func (a *agent) run(ctx context.Context, in io.Reader, say func(any) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_, err := a.conn.Subscribe(a.confirm, func(m *nats.Msg) {
		if !isConfirmation(m.Data) {
			cancel(fmt.Errorf("the stream says %q", m.Data))
			return
		}
		<-a.flying
	})
	if err == nil {
		_, err = a.conn.ChanSubscribe(subjectTasks, a.tasks)
	}
	if err == nil {
		err = a.conn.FlushTimeout(patience)
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	var both sync.WaitGroup
	both.Go(func() { cancel(a.down(ctx)) })
	both.Go(func() { cancel(a.up(ctx)) })
	go func() { // nothing more comes from in; nobody waits, since only who started the process can end the reading
		_, err := io.Copy(io.Discard, in)
		cancel(err)
	}()
	err = say(struct{}{})
	<-ctx.Done()
	_ = a.worker.Close() // ends who reads or writes there
	both.Wait()
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

func isConfirmation(data []byte) bool {
	return bytes.HasPrefix(data, []byte(`{"stream":`)) && !bytes.Contains(data, []byte(`"error"`))
}

// down hands what comes from the driver to the worker, all that is there at once.
func (a *agent) down(ctx context.Context) error {
	var frames []byte
	for {
		select {
		case m := <-a.tasks:
			frames = append(frames[:0], m.Data...)
		case <-ctx.Done():
			return nil
		}
		for len(a.tasks) > 0 && len(frames) < batchSize {
			frames = append(frames, (<-a.tasks).Data...)
		}
		if _, err := a.worker.Write(frames); err != nil {
			return fmt.Errorf("write to the worker: %w", err)
		}
	}
}

// up appends what comes from the worker to the stream, all that is there in a message, or tells the driver of it first.
func (a *agent) up(ctx context.Context) (err error) {
	in := bufio.NewReaderSize(a.worker, bufferSize)
	var frames []byte
	for {
		if frames, err = readFrame(in, frames); err != nil {
			return fmt.Errorf("read from the worker: %w", err)
		}
		if in.Buffered() > 0 && len(frames) < messageSize {
			continue
		}
		if frames[frameHead-1] == frameCalls {
			err = a.tell(ctx, frames)
		} else {
			err = a.append(ctx, frames)
		}
		if err != nil {
			return err
		}
		frames = frames[:0]
	}
}

// tell tells the driver of results that are appended a little later.
func (a *agent) tell(ctx context.Context, frames []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told = append(a.told, frames...); a.timer == nil {
		a.timer = time.AfterFunc(toldFor, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			_ = a.append(ctx, a.told) // the driver misses what fails
			a.told, a.timer = a.told[:0], nil
		})
	}
	if err := a.conn.Publish(subjectEarly, frames); err != nil {
		return fmt.Errorf("tell the driver: %w", err)
	}
	return nil
}

// append appends results to the stream, unless ctx ends first.
func (a *agent) append(ctx context.Context, frames []byte) error {
	select {
	case a.flying <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	if err := a.conn.PublishRequest(subjectResults, a.confirm, frames); err != nil {
		return fmt.Errorf("append to the stream: %w", err)
	}
	return nil
}
