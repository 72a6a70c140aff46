package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// hasObject reports whether a value lies, in whole or in part, in a file.
func hasObject(v *protocol.Value) bool {
	if v.Form == protocol.Object {
		return true
	}
	for i := range v.Parts {
		if hasObject(&v.Parts[i]) {
			return true
		}
	}
	return false
}

// eachObject calls f with each part of a value that lies in a file, until it fails.
func eachObject(v *protocol.Value, f func(v *protocol.Value) error) error {
	if v.Form == protocol.Object {
		return f(v)
	}
	for i := range v.Parts {
		if err := eachObject(&v.Parts[i], f); err != nil {
			return err
		}
	}
	return nil
}

func needsObjects(t *protocol.Task) bool {
	for i := range t.Deps {
		if hasObject(&t.Deps[i].Value) {
			return true
		}
	}
	return false
}

// fetch is an object on its way to a job's folder.
type fetch struct {
	done chan struct{}
	err  error // once done is closed
}

// fetchAll gets the objects that a task's values lie in, and holds the task until they are there. The mutex is held.
func (a *Agent) fetchAll(j *job, at protocol.Attempt, w *waiting) {
	if !needsObjects(&w.task) {
		return
	}
	w.left++
	j.all.Go(func() {
		var err error
		for i := range w.task.Deps {
			if err == nil {
				err = eachObject(&w.task.Deps[i].Value, func(v *protocol.Value) error { return a.fetchObject(j, v.ID) })
			}
		}
		if err == nil {
			a.mu.Lock()
			a.cleared(j, at, w)
			a.mu.Unlock()
			return
		}
		a.failWaiting(j, at, w, err)
	})
}

// failWaiting ends a task whose values can't be brought here. What runs it again may have more luck elsewhere.
func (a *Agent) failWaiting(j *job, at protocol.Attempt, w *waiting, err error) {
	a.mu.Lock()
	if j.waiting[at] != w {
		a.mu.Unlock()
		return
	}
	delete(j.waiting, at)
	a.forget(j, &w.held)
	j.journal.add(j.epoch, &protocol.Outcome{
		ID: at.Task, Attempt: at.N, Key: w.held.key, Status: protocol.Failed,
		Value: protocol.TextFailure(fmt.Sprintf("node %s can't get a value of the task's argument: %v", a.cfg.Node, err)),
	}, false)
	a.grantResumes()
	a.mu.Unlock()
	j.journal.wake()
	a.offer()
}

// fetchObject brings an object into the job's folder. Several who want it at once share one fetch.
func (a *Agent) fetchObject(j *job, id string) error {
	ready, err := a.prepared(j)
	if err != nil {
		return err
	}
	if ready.objects.Has(id) {
		return nil
	}
	a.mu.Lock()
	f := j.fetching[id]
	mine := f == nil
	if mine {
		f = &fetch{done: make(chan struct{})}
		j.fetching[id] = f
	}
	a.mu.Unlock()
	if mine {
		f.err = a.transfer(j, func(ctx context.Context) error {
			return ready.account.do(func() error {
				return ready.objects.Fetch(id, func(w io.Writer) error { return a.cfg.Control.GetBlob(ctx, id, w) })
			})
		})
		a.mu.Lock()
		delete(j.fetching, id)
		a.mu.Unlock()
		close(f.done)
	}
	select {
	case <-f.done:
		return f.err
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

// transfer tries until the head has answered: that it can't be reached says nothing about the value.
func (a *Agent) transfer(j *job, try func(context.Context) error) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, heardWithin) {
		a.transfers <- struct{}{}
		err := try(j.ctx)
		<-a.transfers
		if err == nil || j.ctx.Err() != nil || !unreached(err) {
			return err
		}
		j.log.Warn("a value can't be moved; it is tried again", "error", err)
		if !sleep(j.ctx, pause) {
			return j.ctx.Err()
		}
	}
}

// unreached reports whether an error says that the head wasn't there.
func unreached(err error) bool {
	for _, e := range []error{
		nats.ErrNoResponders, nats.ErrTimeout, context.DeadlineExceeded, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
		nats.ErrConnectionReconnecting, nats.ErrStaleConnection,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// fetchSettle brings the objects of an answer here before its attempt gets it. The mutex is held.
func (a *Agent) fetchSettle(j *job, s protocol.Settle) {
	j.all.Go(func() {
		err := eachObject(&s.Value, func(v *protocol.Value) error { return a.fetchObject(j, v.ID) })
		if err != nil {
			s.Value = protocol.TextFailure(fmt.Sprintf("node %s can't get the value: %v", a.cfg.Node, err))
		}
		a.mu.Lock()
		if p, h, ok := j.holder(s.By); ok {
			a.settle(p, h, s)
		}
		a.mu.Unlock()
	})
}

// upload gives the head the objects of a result, and records the outcome then. The mutex is held; o is the caller's.
func (a *Agent) upload(p *proc, o *protocol.Outcome) {
	j, files := p.job, p.files
	x := cloneOutcome(o)
	size := int64(len(x.Value.Data)) + 256
	a.outbox.Add(size)
	j.uploads.Add(1)
	j.all.Go(func() {
		defer j.uploads.Add(-1)
		err := eachObject(&x.Value, func(v *protocol.Value) error {
			v.Node = a.cfg.Node
			return a.transfer(j, func(ctx context.Context) error { return putObject(ctx, a.cfg.Control, files, v) })
		})
		a.outbox.Add(-size)
		if j.ctx.Err() != nil {
			return
		}
		if err != nil {
			x.Status, x.Refs = protocol.Failed, nil
			x.Value = protocol.TextFailure(fmt.Sprintf("node %s can't give the result to the head: %v", a.cfg.Node, err))
		}
		j.record(p.epoch, x, false)
		j.journal.wake()
	})
}

func putObject(ctx context.Context, control Control, files *prepared, v *protocol.Value) error {
	var file *os.File
	err := files.account.do(func() (err error) {
		file, err = os.Open(files.objects.Path(v.ID))
		return err
	})
	if err != nil {
		return fmt.Errorf("open what the task says it has written: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	v.Size = info.Size() // what a worker says about it counts for nothing
	return control.PutBlob(ctx, v.ID, v.Size, file)
}

// cloneOutcome is an outcome in memory of its own.
func cloneOutcome(o *protocol.Outcome) *protocol.Outcome {
	list := protocol.Outcomes{List: []protocol.Outcome{*o}}
	copied, err := protocol.ReadOutcomes(list.Append(nil))
	if err != nil {
		copied.List = []protocol.Outcome{{
			ID: o.ID, Attempt: o.Attempt, Key: o.Key, Status: protocol.Failed, Value: protocol.TextFailure(err.Error()),
		}}
	}
	return &copied.List[0]
}
