package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/journal"
)

// mapJournal is a Map's part of a job's journal: one keyed call, of which finished ranges of items are recorded with a
// hash of their inputs.
type mapJournal struct {
	key     journal.Key
	prior   []journal.Entry // not filled yet, by first item
	cuts    []cut           // of chunks that an earlier driver gave out, likewise
	all     []cut           // the same, filled or not
	differs atomic.Bool     // an input wasn't what was recorded: nothing more is looked for
	ins     *codec.Plan     // of a slice
	outs    *codec.Plan
}

// journalOf opens a Map's part, or nil if the job has no journal.
func journalOf[In, Out any](s *Session, f *Fn[In, Out], by *Run) (*mapJournal, error) {
	if s.cfg.Journal == nil || f.Local {
		return nil, nil
	}
	ring := s.ringAt(by)
	j := &mapJournal{key: ring.again(s.callKey("map", ring.parent, &f.Spec, nil))}
	j.prior, j.all = s.cfg.Journal.Ranges(j.key), s.cutsOf(j.key)
	j.cuts = j.all
	var err error
	if j.ins, err = codec.Of(reflect.TypeFor[[]In]()); err == nil {
		j.outs, err = codec.Of(reflect.TypeFor[[]Out]())
	}
	return j, err
}

// next is the recorded range that begins with an item, or nil; or how many items the chunk had that an earlier driver has
// cut there; or how many there are before the next one of either (0: none).
func (j *mapJournal) next(item int) (e *journal.Entry, cut, before int) {
	if j.differs.Load() {
		return nil, 0, 0
	}
	for len(j.prior) > 0 && j.prior[0].From < item {
		j.prior = j.prior[1:]
	}
	for len(j.cuts) > 0 && j.cuts[0].from < item {
		j.cuts = j.cuts[1:]
	}
	if len(j.prior) > 0 {
		if before = j.prior[0].From - item; before == 0 {
			e, j.prior = &j.prior[0], j.prior[1:]
			return e, 0, 0
		}
	}
	if len(j.cuts) > 0 {
		switch n := j.cuts[0].from - item; {
		case n == 0:
			return nil, j.cuts[0].size, 0
		case before == 0 || n < before:
			before = n
		}
	}
	return nil, 0, before
}

// ends is where the pieces ended that an earlier driver has cut of n items of a chunk, from one on, the gaps between them
// included; nil if it has cut none there.
func (j *mapJournal) ends(base, at, n int) (list []int) {
	end := at + n
	first, _ := slices.BinarySearchFunc(j.all, base+at, func(c cut, item int) int { return cmp.Compare(c.from, item) })
	for _, c := range j.all[first:] {
		from, to := c.from-base, c.from-base+c.size
		if from < at {
			continue
		}
		if to > end {
			break
		}
		if from > at {
			list = append(list, from)
		}
		list, at = append(list, to), to
	}
	if list != nil && at < end {
		list = append(list, end)
	}
	return list
}

// inputs is the hash of a chunk's first items. Errors of the input count as what they say.
func (c *chunk[In, Out]) inputs(size int) (journal.Key, error) {
	items := c.items[:size]
	data, err := c.m.rec.ins.Append(nil, &items, keyWriter{true})
	if err != nil {
		return journal.Key{}, err
	}
	var errs []byte
	for i, e := range c.pre[:min(len(c.pre), size)] {
		if e != nil {
			errs = fmt.Appendf(errs, "%d %v\n", i, e)
		}
	}
	return journal.Mix("inputs", data, errs), nil
}

// recall fills in what earlier runs have recorded of the chunk, and reports whether nothing is left to do.
func (c *chunk[In, Out]) recall(r *Run) bool {
	m := c.m
	if c.prior == nil {
		m.s.matched(&m.f.Spec, len(c.items), false)
		return false
	}
	n, err := c.restore(r)
	if err != nil && !errors.Is(err, errNotRecorded) {
		m.s.unrecorded(&m.f.Spec, err)
	}
	if n > 0 {
		m.s.matched(&m.f.Spec, n, true)
		m.s.noteRestored(r, m.f.Name, n)
	}
	if n < len(c.items) {
		m.s.matched(&m.f.Spec, len(c.items)-n, false)
	}
	return n == len(c.items)
}

var errRange = errors.New("recorded range: malformed")

// restore decodes the recorded range if its inputs are the chunk's, and gives the number of items it settles.
func (c *chunk[In, Out]) restore(r *Run) (int, error) {
	m := c.m
	e := c.prior
	hash, err := c.inputs(len(c.items))
	if err != nil {
		return 0, err
	}
	if e.To-e.From != len(c.items) || hash != e.Inputs {
		m.rec.differs.Store(true)
		return 0, nil
	}
	data, err := m.s.cfg.Journal.Read(*e)
	if err != nil {
		return 0, err
	}
	failures, data, err := readFailures(data, len(c.items))
	if err != nil {
		return 0, err
	}
	var outs []Out
	if err := m.rec.outs.Decode(data, &outs, refRestorer{m.s}); err != nil {
		return 0, err
	}
	if len(outs) != len(c.items) {
		return 0, errRange
	}
	copy(c.outs, outs)
	c.found = make([]bool, len(c.items))
	n := 0
	for i := range c.items {
		failure, failed := failures[i]
		if failed && !m.s.cfg.ResumeFailures && !m.f.Opts.Once || c.errs != nil && c.errs[i] != nil {
			continue
		}
		if failed {
			c.failUnlessOver(i, m.itemError(c.base+i, r, failure))
		}
		c.found[i] = true
		n++
	}
	for _, e := range c.pre {
		if e != nil {
			n++ // it is settled without a call
		}
	}
	return n, nil
}

func readFailures(data []byte, items int) (map[int]error, []byte, error) {
	number := func() int {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > 1<<40 {
			data = nil
			return -1
		}
		data = data[size:]
		return int(n)
	}
	failures := map[int]error{}
	for range number() {
		i, n := number(), number()
		if i < 0 || i >= items || n < 0 || n > len(data) {
			return nil, nil, errRange
		}
		err, bad := codec.DecodeError(data[:n])
		if bad != nil {
			return nil, nil, bad
		}
		failures[i], data = err, data[n:]
	}
	return failures, data, nil
}

// record appends the chunk's items to the journal once its attempt is over. A cancelled attempt isn't recorded: which of
// its failures are the cancel's can't be told.
func (c *chunk[In, Out]) record(r *Run) {
	m := c.m
	m.mu.Lock()
	size := c.size // what was given away is recorded there
	errs := c.errs
	m.mu.Unlock()
	if size == 0 || r.Err() != nil {
		return
	}
	hash, err := c.inputs(size)
	if err != nil {
		m.s.unrecorded(&m.f.Spec, err)
		return
	}
	rec := journal.Record{
		Key: m.rec.key, Status: journal.OK, Attempt: int(r.attempt), From: c.base, To: c.base + size, Inputs: hash,
	}
	var failures []byte
	failed := 0
	outs := c.outs[:size]
	for i, e := range errs[:min(len(errs), size)] {
		if e == nil {
			continue
		}
		var none Out
		outs[i] = none
		if i < len(c.pre) && c.pre[i] != nil {
			continue
		}
		failed++
		failures = appendFailure(failures, i, e)
	}
	if failed > 0 {
		rec.Status = journal.Failed
	}
	data := append(binary.AppendUvarint(nil, uint64(failed)), failures...)
	if rec.Data, err = m.rec.outs.Append(data, &outs, resultWriter{}); err != nil {
		if !errors.Is(err, errNotRecorded) {
			m.s.unrecorded(&m.f.Spec, err)
		}
		return
	}
	m.s.append(&m.f.Spec, rec)
}

// recordFailure appends how a chunk of one item failed for good.
func (c *chunk[In, Out]) recordFailure(attempt int, err error) {
	m := c.m
	hash, bad := c.inputs(1)
	if bad != nil {
		m.s.unrecorded(&m.f.Spec, bad)
		return
	}
	outs := make([]Out, 1)
	data, bad := m.rec.outs.Append(appendFailure(binary.AppendUvarint(nil, 1), 0, err), &outs, resultWriter{})
	if bad != nil {
		return // the zero value isn't one of the type's: then it runs again
	}
	m.s.append(&m.f.Spec, journal.Record{
		Key: m.rec.key, Status: journal.Failed, Attempt: attempt, From: c.base, To: c.base + 1, Inputs: hash, Data: data,
	})
}

func appendFailure(dst []byte, i int, err error) []byte {
	if te := (*TaskError)(nil); errors.As(err, &te) {
		err = te.Err
	}
	data, e := codec.AppendError(nil, err)
	if e != nil {
		data, _ = codec.AppendError(nil, errors.New(err.Error())) // a text can always be encoded
	}
	dst = binary.AppendUvarint(dst, uint64(i))
	dst = binary.AppendUvarint(dst, uint64(len(data)))
	return append(dst, data...)
}

// itemKey is the key of the item that the attempt works at: the calls that it makes are told apart by it.
func (c *chunk[In, Out]) itemKey(r *Run) (journal.Key, bool) {
	if c.m.rec == nil {
		return journal.Key{}, false
	}
	k := c.m.rec.key
	return journal.Mix("item", k[:], binary.AppendUvarint(nil, uint64(c.base)+uint64(r.item.Load()))), true
}
