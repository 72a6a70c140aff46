package journal

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
)

// Entry is where the data of a record stands in the file.
type Entry struct {
	Status Status
	From   int
	To     int
	Inputs Key // of a range
	at     int64
	size   int64
	sum    uint32
	fn     uint16 // in index.counts
}

// spot is the Entry of a task, packed: there are many.
type spot struct {
	at, size int64
	sum      uint32
	fn       uint16
	status   Status
}

// index is what a file's records say, as far as it has been read.
type index struct {
	tasks   map[Key]uint32 // in spots: a map of these would have room for twice as many
	spots   []spot
	ranges  map[Key]map[int]Entry
	runs    []Run
	codes   map[string]Code   // by function: the last run's
	funcs   map[uint64]uint16 // the functions' numbers in the file, in counts
	counts  []Count
	names   map[string]uint16 // in counts
	next    uint64            // the first number that no function has
	records int
}

// Count is how many outcomes of a function are recorded: tasks, and items of Maps. An outcome that a later one has
// replaced doesn't count; items of ranges that overlap do for each.
type Count struct {
	Func         string // "?" for those whose function's record is lost
	Done, Failed int
}

func newIndex() *index {
	return &index{
		tasks: map[Key]uint32{}, ranges: map[Key]map[int]Entry{}, codes: map[string]Code{},
		funcs: map[uint64]uint16{}, counts: []Count{{Func: "?"}}, names: map[string]uint16{"?": 0},
	}
}

// add takes one record in and reports whether it makes sense. data is empty when it is long, and stays in the file.
func (x *index) add(meta, data []byte, e Entry) bool {
	switch meta[0] {
	case kindSession:
		var r Run
		if json.Unmarshal(data, &r) != nil {
			return false
		}
		x.runs = append(x.runs, r)
	case kindFunc:
		fn, code, ok := readFunc(meta)
		if !ok {
			return false
		}
		x.define(fn, code)
	case kindTask, kindRange:
		r, fn, ok := readTask(meta)
		if !ok {
			return false
		}
		x.records++
		e.Status, e.From, e.To, e.Inputs, e.fn = r.Status, r.From, r.To, r.Inputs, x.funcs[fn]
		x.enter(r.Key, e)
	}
	return true // records of kinds to come are passed over
}

func (x *index) define(fn uint64, code Code) {
	at, known := x.names[code.Func]
	if !known && len(x.counts) <= math.MaxUint16 {
		at = uint16(len(x.counts))
		x.counts = append(x.counts, Count{Func: code.Func})
		x.names[code.Func] = at
	}
	x.funcs[fn] = at
	x.codes[code.Func] = code
	x.next = max(x.next, fn+1)
}

// enter keeps a task's first success, and the newest range that begins at an item.
func (x *index) enter(k Key, e Entry) {
	if e.To == 0 {
		s := spot{at: e.at, size: e.size, sum: e.sum, fn: e.fn, status: e.Status}
		if i, ok := x.tasks[k]; !ok {
			x.tasks[k] = uint32(len(x.spots))
			x.spots = append(x.spots, s)
		} else if old := x.spots[i]; old.status != OK {
			x.count(old.entry(), -1)
			x.spots[i] = s
		} else {
			return
		}
	} else {
		if x.ranges[k] == nil {
			x.ranges[k] = map[int]Entry{}
		}
		if old, ok := x.ranges[k][e.From]; ok {
			x.count(old, -1)
		}
		x.ranges[k][e.From] = e
	}
	x.count(e, 1)
}

func (x *index) task(k Key) (Entry, bool) {
	i, ok := x.tasks[k]
	if !ok {
		return Entry{}, false
	}
	return x.spots[i].entry(), true
}

func (s spot) entry() Entry {
	return Entry{Status: s.status, at: s.at, size: s.size, sum: s.sum, fn: s.fn}
}

func (x *index) count(e Entry, by int) {
	c := &x.counts[e.fn]
	switch {
	case e.To > 0:
		c.Done += by * (e.To - e.From)
	case e.Status == OK:
		c.Done += by
	default:
		c.Failed += by
	}
}

// counted lists the functions of which something is recorded, the most first.
func (x *index) counted() []Count {
	all := slices.DeleteFunc(slices.Clone(x.counts), func(c Count) bool { return c.Done+c.Failed == 0 })
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Done+b.Failed, a.Done+a.Failed), cmp.Compare(a.Func, b.Func))
	})
	return all
}

// epoch is the number of the next run.
func (x *index) epoch() int {
	n := len(x.runs)
	if n > 0 {
		n = max(n, x.runs[n-1].Epoch)
	}
	return n + 1
}

// sorted lists the ranges of a Map by their first item.
func sorted(ranges map[int]Entry) []Entry {
	all := make([]Entry, 0, len(ranges))
	for _, e := range ranges {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.From, b.From) })
	return all
}
