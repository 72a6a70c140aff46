package history

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

const defaultMost = 100

// Query answers a question.
func (s *Store) Query(ctx context.Context, q *protocol.HistoryQuery) (h *protocol.History, err error) {
	h = &protocol.History{}
	most := min(q.Most, protocol.MaxHistory)
	if most <= 0 {
		most = defaultMost
	}
	since := milli(q.Since)
	mine := []any{since, q.Owner, q.Owner, q.Job, q.Job, q.Job, most + 1}
	switch q.What {
	case protocol.HistoryJobs:
		h.Jobs, h.More, err = rows(ctx, s.db, most, scanJob, `SELECT job, epoch, name, owner, program, host, state, opened, ended,
			error, done, failed FROM jobs AS j WHERE at >= ? AND `+ofOwner+` ORDER BY opened DESC, epoch DESC LIMIT ?`, mine...)
	case protocol.HistoryTasks:
		h.Tasks, h.More, err = rows(ctx, s.db, most, scanTask, `SELECT func, sum(t.done), sum(t.failed) FROM tasks AS t
			JOIN jobs AS j USING (job, epoch) WHERE t.at >= ? AND `+ofOwner+` GROUP BY func ORDER BY func DESC LIMIT ?`, mine...)
	case protocol.HistoryAttempts:
		h.Attempts, h.More, err = rows(ctx, s.db, most, scanAttempt, `SELECT a.at, a.job, a.epoch, number, task, func, item, attempt,
			node, outcome, took, a.error FROM attempts AS a JOIN jobs AS j USING (job, epoch)
			WHERE a.at >= ? AND `+ofOwner+` ORDER BY a.at DESC, number DESC LIMIT ?`, mine...)
	case protocol.HistoryNodes:
		h.Nodes, h.More, err = rows(ctx, s.db, most, scanNode, `SELECT node, name, os, arch, version, cpus, memory, gpus, started, at,
			state, most FROM nodes WHERE at >= ? ORDER BY at DESC LIMIT ?`, since, most+1)
	case protocol.HistoryFunctions:
		mine[0] = since - since%time.Hour.Milliseconds()
		h.Functions, h.More, err = rows(ctx, s.db, most, scanUse, `SELECT func, sum(succeeded), sum(u.failed), sum(canceled), sum(lost),
			sum(ran), max(longest), sum(cpu), max(memory) FROM uses AS u JOIN (SELECT DISTINCT job, name, owner FROM jobs) AS j USING (job)
			WHERE hour >= ? AND `+ofOwner+` GROUP BY func ORDER BY func DESC LIMIT ?`, mine...)
	default:
		return nil, fmt.Errorf("the history knows nothing of %q", q.What)
	}
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return h, nil
}

// ofOwner is true of the jobs that may be seen, and that are asked for.
const ofOwner = `(?='' OR j.owner=?) AND (?='' OR j.job=? OR j.name=?)`

// rows reads the latest rows, which come first, and gives them in their order.
func rows[T any](ctx context.Context, db *sql.DB, most int, scan func(*sql.Rows, *T) error, query string, args ...any) (
	list []T, more bool, err error,
) {
	r, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	for r.Next() {
		if len(list) == most {
			more = true
			break
		}
		var row T
		if err := scan(r, &row); err != nil {
			return nil, false, err
		}
		list = append(list, row)
	}
	slices.Reverse(list)
	return list, more, r.Err()
}

func scanJob(r *sql.Rows, j *protocol.JobRun) error {
	var opened, ended int64
	err := r.Scan(&j.Job, &j.Epoch, &j.Name, &j.Owner, &j.Program, &j.Host, &j.State, &opened, &ended, &j.Error, &j.Done, &j.Failed)
	j.Opened, j.Ended = fromMilli(opened), fromMilli(ended)
	return err
}

func scanTask(r *sql.Rows, t *protocol.TaskCount) error { return r.Scan(&t.Func, &t.Done, &t.Failed) }

func scanAttempt(r *sql.Rows, a *protocol.LostAttempt) error {
	var at int64
	err := r.Scan(&at, &a.Job, &a.Epoch, &a.Number, &a.Task, &a.Func, &a.Item, &a.Attempt, &a.Node, &a.End, &a.Took, &a.Error)
	a.Time = fromMilli(at)
	return err
}

func scanNode(r *sql.Rows, n *protocol.NodeRun) error {
	var started, at int64
	err := r.Scan(&n.Node, &n.Name, &n.OS, &n.Arch, &n.Version, &n.CPUs, &n.Memory, &n.GPUs, &started, &at, &n.State, &n.Most)
	n.Started, n.Seen = fromMilli(started), fromMilli(at)
	return err
}

func scanUse(r *sql.Rows, u *protocol.FunctionUse) error {
	return r.Scan(&u.Func, &u.Succeeded, &u.Failed, &u.Canceled, &u.Lost, &u.Ran, &u.Longest, &u.CPU, &u.Memory)
}
