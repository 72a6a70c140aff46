package history

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// Ingest takes in all files of lines, removes them, and then the oldest rows as far as the limit asks for it. A file is
// taken in whole or not at all, and once, also if the process is killed meanwhile.
func (s *Store) Ingest(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(s.dir, full))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, f := range files {
		if err := s.take(ctx, f); err != nil {
			return fmt.Errorf("take %s into the history: %w", f, err)
		}
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return nil
	}
	return s.prune(ctx)
}

func (s *Store) take(ctx context.Context, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	done, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO taken VALUES (?)", filepath.Base(path))
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, tx.Rollback()) // it was taken in, and not removed
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM taken WHERE file < ?", filepath.Base(path)); err != nil {
		return err
	}
	w := &writer{ctx: ctx, tx: tx, prepared: map[string]*sql.Stmt{}}
	if err := w.lines(f); err != nil {
		return err
	}
	return tx.Commit()
}

// writer writes lines within a transaction.
type writer struct {
	ctx      context.Context //nolint:containedctx // of one call
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

// lines passes over what makes no sense: a kill may have cut the last one.
func (w *writer) lines(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var l protocol.HistoryLine
			if json.Unmarshal(line, &l) == nil {
				if err := w.line(&l); err != nil {
					return err
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func (w *writer) line(l *protocol.HistoryLine) error {
	at := milli(l.Time)
	var errs []error
	if j := l.Job; j != nil {
		errs = append(errs, w.exec(`INSERT INTO jobs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET state=excluded.state,
			ended=excluded.ended, error=excluded.error, done=max(done, excluded.done), failed=max(failed, excluded.failed), at=excluded.at`,
			j.Job, j.Epoch, j.Name, j.Owner, j.Program, j.Host, string(j.State), milli(j.Opened), milli(j.Ended), j.Error, j.Done, j.Failed, at))
	}
	if t := l.Tasks; t != nil {
		for _, c := range t.Counts {
			errs = append(errs, w.exec(`INSERT INTO tasks VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET done=excluded.done,
				failed=excluded.failed, at=excluded.at`, t.Job, t.Epoch, c.Func, c.Done, c.Failed, at))
		}
	}
	for _, a := range l.Attempts {
		errs = append(errs, w.exec(`INSERT OR IGNORE INTO attempts VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
			a.Job, a.Epoch, a.Number, a.Task, a.Func, a.Item, a.Attempt, a.Node, string(a.End), int64(a.Took), a.Error, milli(a.Time)))
	}
	if n := l.Node; n != nil {
		errs = append(errs, w.exec(`INSERT INTO nodes VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET state=excluded.state,
			cpus=excluded.cpus, memory=excluded.memory, gpus=excluded.gpus, most=max(most, excluded.most), at=excluded.at`,
			n.Node, milli(n.Started), n.Name, n.OS, n.Arch, n.Version, n.CPUs, n.Memory, n.GPUs, n.State, n.Most, at))
	}
	if l.Use != nil {
		errs = append(errs, w.use(at, l.From, l.Use.Functions))
	}
	return errors.Join(errs...)
}

// use adds to what there is of the hour.
func (w *writer) use(at int64, node string, list []protocol.FunctionUse) error {
	hour := at - at%time.Hour.Milliseconds()
	var errs []error
	for _, u := range list {
		errs = append(errs, w.exec(`INSERT INTO uses VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET
			succeeded=succeeded+excluded.succeeded, failed=failed+excluded.failed, canceled=canceled+excluded.canceled,
			lost=lost+excluded.lost, ran=ran+excluded.ran, longest=max(longest, excluded.longest), cpu=cpu+excluded.cpu,
			memory=max(memory, excluded.memory), at=excluded.at`,
			hour, u.Job, u.Func, node, u.Succeeded, u.Failed, u.Canceled, u.Lost, int64(u.Ran), int64(u.Longest), int64(u.CPU), u.Memory, at))
	}
	return errors.Join(errs...)
}

// exec prepares each statement once.
func (w *writer) exec(statement string, args ...any) error {
	p := w.prepared[statement]
	if p == nil {
		var err error
		if p, err = w.tx.PrepareContext(w.ctx, statement); err != nil {
			return err
		}
		w.prepared[statement] = p // the transaction closes it
	}
	for i, a := range args {
		if n, ok := a.(uint64); ok {
			args[i] = int64(min(n, 1<<62)) //nolint:gosec // it fits now; what is told may be anything
		}
	}
	_, err := p.ExecContext(w.ctx, args...)
	return err
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
