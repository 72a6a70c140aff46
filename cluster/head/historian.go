package head

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

const (
	writeEvery  = time.Second
	takeInEvery = time.Minute
	takeInTime  = time.Minute     // that it may take, from files of any size
	answerTime  = 4 * time.Second // the same for an answer: who asks waits a second longer
)

// historian notes down what there will be to know, and has it kept by Config.History, which it asks as well.
type historian struct {
	head  *Head
	keep  func(ctx context.Context, dir string, question []byte) ([]byte, error)
	spool spool

	using    sync.Mutex // held by who writes, turns or has it kept
	troubled bool       // the last time something was wrong, and people were told of it

	mu    sync.Mutex
	runs  map[string]*run
	nodes map[string]*nodeNote
}

func newHistorian(h *Head) *historian {
	return &historian{
		head: h, keep: h.cfg.History, spool: spool{dir: h.folder.history(), now: h.cfg.Now},
		runs: map[string]*run{}, nodes: map[string]*nodeNote{},
	}
}

// startHistory starts the historian, if there is one. It ends with the head, and the last lines are written then.
func (h *Head) startHistory(context.Context) error {
	if h.cfg.History == nil {
		return nil
	}
	h.historian = newHistorian(h)
	h.historian.spool.look()
	var running sync.WaitGroup
	running.Go(func() { h.historian.work(h.ctx) })
	h.undo = append(h.undo, running.Wait)
	return nil
}

func (k *historian) work(ctx context.Context) {
	ticker := time.NewTicker(writeEvery)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			k.using.Lock()
			k.noteCounts()
			k.tell(k.spool.write())
			k.using.Unlock()
			return
		case now := <-ticker.C:
			k.using.Lock()
			k.tell(k.spool.write())
			due := k.spool.files > spoolFull || k.spool.files > 0 && now.Sub(last) >= takeInEvery
			k.using.Unlock()
			if now.Sub(last) >= takeInEvery {
				k.noteCounts()
			}
			if due || now.Sub(last) >= takeInEvery {
				last = now
			}
			if due {
				_, err := k.consult(ctx, takeInTime, protocol.HistoryQuery{})
				k.tell(err)
			}
		}
	}
}

// consult has everything taken in that was noted, and a question answered, unless it is empty.
func (k *historian) consult(ctx context.Context, atMost time.Duration, q protocol.HistoryQuery) (*protocol.History, error) {
	k.using.Lock()
	defer k.using.Unlock()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	question, err := json.Marshal(q)
	if err == nil {
		err = errors.Join(k.spool.write(), k.spool.turn())
	}
	if err != nil {
		return nil, err
	}
	data, err := k.keep(ctx, k.spool.dir, question)
	k.spool.look()
	if err != nil {
		return nil, fmt.Errorf("keep the history: %w", err)
	}
	var a protocol.HistoryAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("keep the history: the answer makes no sense: %w", err)
	}
	if a.Note != "" {
		k.head.event("history.lost", "", "", a.Note)
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.History, nil
}

// tell tells people of a trouble, once until it is over. The cluster goes on as if nothing were.
func (k *historian) tell(err error) {
	switch {
	case k.head.ctx.Err() != nil: // it was interrupted
	case err != nil && !k.troubled:
		k.head.event("history.failed", "", "", "the cluster's history isn't kept for now: "+cut(err.Error()))
	case err == nil && k.troubled:
		k.head.event("history.kept", "", "", "the cluster's history is kept again")
	}
	k.troubled = err != nil
}

// askHistory answers who wants to know what was.
func (h *Head) askHistory(ctx context.Context, c caller, in *protocol.AskHistory) (any, error) {
	if h.historian == nil {
		return nil, refuse(protocol.CodeUnknown, "this head keeps no history: it was started with --history-limit 0")
	}
	q := protocol.HistoryQuery{AskHistory: *in}
	switch {
	case len(in.Job) > maxHistoryText:
		return nil, refuse(protocol.CodeMalformed, "a job's name isn't as long as that")
	case !in.What.Valid():
		return nil, refuse(protocol.CodeMalformed, "the history knows nothing of %q", short(string(in.What)))
	case c.role != join.RoleAdmin:
		q.Owner = c.name
	}
	h.historian.noteCounts()
	answer, err := h.historian.consult(ctx, answerTime, q)
	if err != nil {
		return nil, refuse(protocol.CodeInternal, "the history doesn't answer: %s; muster events may say more", cut(err.Error()))
	}
	return answer, nil
}
