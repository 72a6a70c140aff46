package head

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

// Jobs are open at once up to a limit of the cluster's, and of their user's. Drivers above it wait in a queue: each asks
// again once a second, so one that has gone is forgotten. A place that becomes free goes to the user with the fewest open
// jobs, by weight, and of that user's to the one who has waited longest.

const (
	maxWaiting  = 10_000
	forgetQueue = 5 * time.Second // since its driver has asked last
)

// queued is a job that waits for a place.
type queued struct {
	info   protocol.JobInfo // what is listed; its id will be the job's
	asked  time.Time
	over   bool // it was cancelled, which its driver learns when it asks
	number uint64
}

// queue is the jobs that wait. It has a lock of its own, since the jobs' lock for changes is held while JetStream is asked,
// and who lists jobs isn't to wait for that.
type queue struct {
	mu     sync.Mutex
	list   []*queued // in the order in which they came
	number uint64
}

// places is what the choice depends on.
type places struct {
	limit int // of the cluster
	open  int
	of    map[string]int // open jobs by user
	users func(string) protocol.UserShare
}

// full is the limit that keeps one more job of a user out, for people; "" if none does.
func (p *places) full(owner string) string {
	u := p.users(owner)
	switch {
	case u.Jobs > 0 && p.of[owner] >= u.Jobs:
		return fmt.Sprintf("user %s has %d jobs open, and is limited to as many (muster user)", owner, p.of[owner])
	case p.open >= p.limit:
		return fmt.Sprintf("%d jobs are open, which is as many as this cluster takes at once", p.open)
	}
	return ""
}

// next is who gets the next place; nil if nobody can.
func (p *places) next(list []*queued) *queued {
	level := func(q *queued) float64 {
		u := p.users(q.info.Owner)
		return float64(p.of[u.Name]) / cmp.Or(u.Weight, 1)
	}
	var best *queued
	for _, q := range list {
		if !q.over && p.full(q.info.Owner) == "" && (best == nil || level(q) < level(best)) {
			best = q
		}
	}
	return best
}

// ask has a job wait, or gives nil if it is to have a place now: then it waits no more.
func (t *queue) ask(info *protocol.JobInfo, p *places, now time.Time) *protocol.Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = slices.DeleteFunc(t.list, func(q *queued) bool { return now.Sub(q.asked) > forgetQueue })
	me := t.find(func(q *queued) bool { return q.info.Owner == info.Owner && q.info.Driver == info.Driver })
	if me == nil {
		if len(t.list) >= maxWaiting {
			return refuse(protocol.CodeFull, "%d jobs wait for a place already: try again later", len(t.list))
		}
		t.number++
		me = &queued{info: *info, number: t.number}
		me.info.State = protocol.JobWaiting
		t.list = append(t.list, me)
	}
	if me.over {
		t.drop(me)
		return refuse(protocol.CodeSuperseded, "job %s was cancelled while it waited for a place", label(me.info))
	}
	me.asked, info.Job = now, me.info.Job
	if t.turn(me, p) {
		t.drop(me)
		return nil
	}
	return refuse(protocol.CodeQueued, "%s", t.why(me, p))
}

// turn reports whether a job is one of those that get the places that are free. The mutex is held, as for the others below.
func (t *queue) turn(me *queued, p *places) bool {
	if p.full(me.info.Owner) != "" {
		return false // as most are told, once a second each
	}
	now := *p
	now.of = map[string]int{}
	for owner, n := range p.of {
		now.of[owner] = n
	}
	rest := slices.Clone(t.list)
	for {
		q := now.next(rest)
		if q == nil || q == me {
			return q != nil
		}
		now.open++
		now.of[q.info.Owner]++
		rest = slices.DeleteFunc(rest, func(x *queued) bool { return x == q })
	}
}

// why says what a job waits for.
func (t *queue) why(me *queued, p *places) string {
	text := p.full(me.info.Owner)
	if text == "" {
		text = "others wait that come first"
	}
	before := 0
	for _, q := range t.list {
		if q != me && q.number < me.number && q.info.Owner == me.info.Owner {
			before++
		}
	}
	text = "the job waits for a place: " + text
	if before > 0 {
		text += fmt.Sprintf("; of the same user, %d wait before it", before)
	}
	return text
}

func (t *queue) find(is func(*queued) bool) *queued {
	for _, q := range t.list {
		if is(q) {
			return q
		}
	}
	return nil
}

func (t *queue) drop(q *queued) {
	t.list = slices.DeleteFunc(t.list, func(x *queued) bool { return x == q })
}

// place gives a job a place, or says what it waits for. The jobs' lock for changes is held, so that nobody else gets it.
func (h *Head) place(info *protocol.JobInfo) error {
	if r := h.queue.ask(info, h.places(), time.Now()); r != nil {
		return r
	}
	return nil
}

func (h *Head) places() *places {
	p := &places{limit: h.cfg.Limits.LiveJobs, of: h.jobs.running(), users: h.users.get}
	for _, n := range p.of {
		p.open += n
	}
	return p
}

// waiting is a job that waits for a place, by its name or its id; nil if none does. The queue's mutex is held.
func (h *Head) waiting(c caller, name string) *queued {
	return h.queue.find(func(q *queued) bool {
		return c.owns(q.info) && !q.over && (q.info.Job == name || q.info.Name == name && name != "" && q.info.Owner == c.name)
	})
}

// whyNoPlace says what a job waits for that isn't open yet; "" if it doesn't.
func (h *Head) whyNoPlace(c caller, name string) string {
	h.queue.mu.Lock()
	defer h.queue.mu.Unlock()
	if q := h.waiting(c, name); q != nil {
		return h.queue.why(q, h.places())
	}
	return ""
}

// cancelWaiting has a job wait no more, if it does.
func (h *Head) cancelWaiting(c caller, name string) bool {
	h.queue.mu.Lock()
	defer h.queue.mu.Unlock()
	q := h.waiting(c, name)
	if q != nil {
		q.over = true
	}
	return q != nil
}

// withQueued adds to a list the jobs that wait for a place.
func (h *Head) withQueued(c caller, which string, list []protocol.JobInfo) []protocol.JobInfo {
	h.queue.mu.Lock()
	defer h.queue.mu.Unlock()
	for _, q := range h.queue.list {
		if c.owns(q.info) && !q.over && (which == "" || which == q.info.Job || which == q.info.Name) {
			list = slices.DeleteFunc(list, func(j protocol.JobInfo) bool { return j.Job == q.info.Job })
			list = append(list, q.info)
		}
	}
	return list
}
