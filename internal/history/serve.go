package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/musterrun/muster/protocol"
)

// Serve is all that the process does: it takes in what is there, answers the one question that it reads, if that is about
// anything, and writes an answer. It ends early when in does: whoever wants to know is gone then.
func Serve(ctx context.Context, dir string, limit int64, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d := json.NewDecoder(in)
	var q protocol.HistoryQuery
	if err := d.Decode(&q); err != nil {
		return fmt.Errorf("read what the head asks: %w", err)
	}
	go func() { // it is left behind when the process ends, as nothing ends a read of standard input
		_, _ = io.Copy(io.Discard, in)
		cancel(errors.New("the head is gone"))
	}()
	var a protocol.HistoryAnswer
	if err := fill(ctx, &a, dir, limit, &q); err != nil {
		a.Error = err.Error()
	}
	return json.NewEncoder(out).Encode(a)
}

func fill(ctx context.Context, a *protocol.HistoryAnswer, dir string, limit int64, q *protocol.HistoryQuery) error {
	for range 2 { // again if the file turns out to be broken
		s, err := Open(ctx, dir, limit)
		if s.note != "" {
			a.Note = s.note
		}
		if err != nil {
			return err
		}
		if err = s.Ingest(ctx); err == nil && q.What != "" {
			a.History, err = s.Query(ctx, q)
		}
		err = errors.Join(err, s.Close())
		if !isBroken(err) {
			return err
		}
		a.Note = fmt.Sprintf("the history is damaged, and begins anew; the old file is %s beside it: %v", broken, err)
		if err := s.setAside(); err != nil {
			return err
		}
	}
	return nil
}
