package journal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
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
}

// Code says which code of a function made the records: its fingerprint, declared version or build, with how it was got.
type Code struct {
	Func string
	Kind string
	ID   string
}

// Run is one time that the job was open.
type Run struct {
	Epoch   int
	Started time.Time
	Host    string
	PID     int
	Program []string // the executable and its arguments
}

// index is what a file's records say, as far as it has been read.
type index struct {
	tasks   map[Key]Entry
	ranges  map[Key]map[int]Entry
	runs    []Run
	codes   map[string]Code // by function: the last run's
	funcs   []string        // the current run's numbers
	counts  map[string]*Count
	records int
}

// Count is how many outcomes of a function are recorded: tasks, and items of Maps.
type Count struct {
	Func         string
	Done, Failed int
}

func newIndex() *index {
	return &index{
		tasks: map[Key]Entry{}, ranges: map[Key]map[int]Entry{}, codes: map[string]Code{}, counts: map[string]*Count{},
	}
}

// add takes one record in; data is that of sessions, and otherwise stays in the file.
func (x *index) add(meta, data []byte, e Entry) error {
	x.records++
	switch meta[0] {
	case kindSession:
		var r Run
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		x.runs = append(x.runs, r)
		x.funcs = nil
	case kindFunc:
		c := cursor{rest: meta[1:]}
		code := Code{Func: c.text(), Kind: c.text(), ID: c.text()}
		if c.bad {
			return fmt.Errorf("function: malformed")
		}
		x.funcs = append(x.funcs, code.Func)
		x.codes[code.Func] = code
	case kindTask, kindRange:
		r, fn, err := readTask(meta)
		if err != nil {
			return err
		}
		e.Status, e.From, e.To, e.Inputs = r.Status, r.From, r.To, r.Inputs
		x.enter(r.Key, e)
		x.count(fn, e)
	}
	return nil // records of kinds to come are passed over
}

// enter keeps a task's first success, and the newest range that begins at an item.
func (x *index) enter(k Key, e Entry) {
	if e.To == 0 {
		if old, ok := x.tasks[k]; !ok || old.Status != OK {
			x.tasks[k] = e
		}
		return
	}
	if x.ranges[k] == nil {
		x.ranges[k] = map[int]Entry{}
	}
	x.ranges[k][e.From] = e
}

func (x *index) count(fn uint64, e Entry) {
	name := "?"
	if fn < uint64(len(x.funcs)) {
		name = x.funcs[fn]
	}
	c := x.counts[name]
	if c == nil {
		c = &Count{Func: name}
		x.counts[name] = c
	}
	n := max(1, e.To-e.From)
	if e.Status == Failed && e.To == 0 {
		c.Failed += n
	} else {
		c.Done += n
	}
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
