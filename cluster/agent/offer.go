package agent

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

const (
	packSize   = 2048                  // tasks that share a CPU, at most
	ioAfter    = 5 * time.Millisecond  // without CPUs, I/O places are offered so long after a job's last batch
	minTurn    = 20 * time.Millisecond // what a job that has less of the machine gets to answer before others are asked
	maxTurn    = time.Second
	minPause   = 5 * time.Millisecond   // after an offer that nobody heard: the job may have been opened just now
	firstAgain = 2 * time.Second        // until an offer is made again for the first time
	lookCost   = 100 * time.Microsecond // for each job, between two looks at what is due
	emptyWait  = 20 * time.Millisecond  // after an offer that was ended without tasks
)

// message is one to publish once the mutex is released.
type message struct {
	subject, reply string
	data           []byte
}

// offer offers what is free to jobs that haven't been asked.
func (a *Agent) offer() {
	now := time.Now()
	a.mu.Lock()
	list, next := a.plan(now)
	if next > 0 {
		a.wakeAt(now.Add(next))
	}
	messages := make([]message, 0, len(list))
	for _, j := range list {
		messages = append(messages, a.makeOffer(j, now))
	}
	a.mu.Unlock()
	for _, m := range messages {
		if a.conn.PublishRequest(m.subject, m.reply, m.data) != nil {
			a.unheard(token(m.subject, 2)) // not connected
		}
	}
}

// plan is which jobs to offer room to now, those with the smallest share of the machine first, and after how long to
// look again; 0 is when something has changed. The mutex is held.
func (a *Agent) plan(now time.Time) (list []*job, next time.Duration) {
	if a.leaving || a.foreign || a.drain.on || a.outbox.Load() > maxOutbox {
		return nil, 0
	}
	a.watchShares(now)
	if a.hold != nil {
		a.rank()
	}
	least := max(time.Millisecond, time.Duration(len(a.jobs))*lookCost) // so that looking takes a small part of the time
	soon := func(at time.Time) {
		if d := max(at.Sub(now), least); next == 0 || d < next {
			next = d
		}
	}
	for _, j := range a.jobs {
		switch ok, at := a.due(j, now); {
		case ok:
			list = append(list, j)
		case !at.IsZero():
			soon(at)
		}
	}
	if len(a.jobs) > 1 && len(list) > 0 {
		var later time.Time
		list, later = a.inTurn(list, now)
		if !later.IsZero() {
			soon(later)
		}
	}
	return list, next
}

// due reports whether a job is to be offered room now, or else when to look again.
func (a *Agent) due(j *job, now time.Time) (ok bool, at time.Time) {
	kept, limit := a.keep(j), a.keepLimit(j)
	defer a.ledger.GiveUp(&kept)
	defer a.ledger.GiveUp(&limit)
	o := &j.offer
	switch {
	case !j.isServed() || j.telling:
		return false, time.Time{}
	case now.Before(o.rest):
		return false, o.rest
	case o.parked && now.Sub(o.at) >= o.patience(a.cfg.offerAgain):
		return true, time.Time{}
	case o.parked && o.cpu < o.room.CPU: // it was offered a part: nobody has taken the rest, if it is there
		if wait := o.since.Add(j.turn()); now.Before(wait) || !a.ledger.Worth() {
			return false, later(wait, o.at.Add(o.patience(a.cfg.offerAgain)), now)
		}
		return len(a.resume) == 0, time.Time{}
	case o.parked && !a.ledger.Grown(&o.room):
		at, soonest := o.at.Add(o.patience(a.cfg.offerAgain)), now.Add(min(a.cfg.offerAgain, time.Second)) // several at once
		if at.Before(soonest) {
			return false, soonest
		}
		return false, at
	}
	switch free := &a.ledger.Free; {
	case len(a.resume) > 0:
		return false, time.Time{}
	case a.ledger.Worth():
		return true, time.Time{}
	case free.IO == 0 && a.ledger.Total.CPU > 0:
		return false, time.Time{}
	case now.Sub(o.gave) < ioAfter:
		return false, o.gave.Add(ioAfter)
	default:
		return true, time.Time{}
	}
}

// isServed reports whether a job gets something of this machine.
func (j *job) isServed() bool { return j.info != nil && j.binary != nil && j.refusal == "" && !j.over }

// later is the first of two times that isn't over, or else the second.
func later(first, second, now time.Time) time.Time {
	if now.Before(first) {
		return first
	}
	return second
}

// patience is for how long an offer is parked before it is made again: as long as it was so far, since one that is new is
// the likeliest to have got lost, where it passes several servers and one of them dies.
func (o *offered) patience(most time.Duration) time.Duration {
	return min(max(o.at.Sub(o.since), firstAgain), most)
}

// inTurn keeps those jobs that may be asked now: first the one with the smallest share, and the others once that one
// has had its turn to answer. Else whoever answers fastest would get all.
func (a *Agent) inTurn(list []*job, now time.Time) (first []*job, later time.Time) {
	var turns []*job
	for _, j := range a.jobs {
		if j.hasTurn(now) {
			turns = append(turns, j)
		}
	}
	if len(list) == 1 && len(turns) == 0 {
		return list, time.Time{}
	}
	a.rankAmong(append(turns, list...))
	var asked *job // that has the smallest share of those whose turn it is
	for _, j := range turns {
		if asked == nil || j.precedes(asked) {
			asked = j
		}
	}
	slices.SortFunc(list, func(x, y *job) int { return x.quota.rank.Compare(y.quota.rank) })
	for _, j := range list {
		if asked != nil && asked.precedes(j) {
			return first, asked.offer.since.Add(asked.turn())
		}
		first = append(first, j)
		if j.offer.asked() {
			continue // it had its turn
		}
		if len(list) > len(first) {
			later = now.Add(j.turn())
		}
		break
	}
	return first, later
}

// hasTurn reports whether a job was asked just now whether it has something for CPUs.
func (j *job) hasTurn(now time.Time) bool {
	return j.offer.asked() && !j.offer.none && j.info != nil && now.Sub(j.offer.since) < j.turn()
}

// turn is how long a job that was asked may take to answer, before others are: longer than it takes to answer now, as where
// all have too much to do, else many would give tasks for the same room, which but one had given for nothing.
func (j *job) turn() time.Duration { return min(minTurn+2*j.up.late(), maxTurn) }

// asked reports whether the coordinator has an offer of CPUs. One of places for I/O alone, such as a busy node makes, says
// nothing of what it wants of CPUs.
func (o *offered) asked() bool { return o.parked && o.room.CPU > 0 }

// precedes reports whether a job comes before another by the last ranking.
func (j *job) precedes(o *job) bool { return j.quota.rank.Compare(o.quota.rank) < 0 }

// makeOffer notes that a job is offered what is free. The mutex is held.
func (a *Agent) makeOffer(j *job, now time.Time) message {
	kept, limit := a.keep(j), a.keepLimit(j)
	defer a.ledger.GiveUp(&kept)
	defer a.ledger.GiveUp(&limit)
	o, free := &j.offer, &a.ledger.Free
	a.counters.offers++
	o.number++
	asked, parked := o.asked(), o.parked
	o.parked, o.at = true, now
	o.before = o.cpu
	named := append(o.room.Named[:0], free.Named...)
	o.room = *free
	o.room.Named = named
	if !a.ledger.Worth() {
		o.room.CPU = 0
	}
	if !parked || !asked && o.room.CPU > 0 {
		o.since, o.none = now, false
	}
	if o.cpu = o.room.CPU; !asked {
		o.cpu = min(o.cpu, a.part(j, now))
	}
	offer := protocol.Offer{
		Epoch: j.epoch, Number: o.number, Node: a.cfg.Node, Most: max(1, int(a.cfg.CPUs))*packSize + int(free.IO),
		CPU: o.cpu, IO: free.IO, Memory: free.Memory, GPUs: free.GPUs, Named: free.Named,
		Labels: a.labels, Life: j.life, Taken: o.taken, Shared: a.sharesRoom(j),
	}
	return a.offerTo(j, &offer)
}

// sharesRoom reports whether another job than j is offered what is free too. The mutex is held.
func (a *Agent) sharesRoom(j *job) bool {
	for _, other := range a.jobs {
		if other != j && other.isServed() {
			return true
		}
	}
	return false
}

func (a *Agent) offerTo(j *job, o *protocol.Offer) message {
	return message{
		protocol.OfferSubject(j.id),
		protocol.AnswerSubject(a.inbox, protocol.AnswerOffer, j.id, strconv.FormatUint(o.Number, 10)), o.Append(nil),
	}
}

// withdraw has offers of nothing take the place of those that wait at coordinators. The mutex is held.
func (a *Agent) withdraw() (messages []message) {
	for _, j := range a.jobs {
		if o := &j.offer; o.parked {
			o.number++
			nothing := protocol.Offer{Epoch: j.epoch, Number: o.number, Node: a.cfg.Node, Labels: a.labels, Life: j.life, Taken: o.taken}
			messages = append(messages, a.offerTo(j, &nothing))
		}
	}
	return messages
}

// unheard makes a job rest whose offer reached nobody.
func (a *Agent) unheard(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	j := a.jobs[id]
	if j == nil {
		return
	}
	o := &j.offer
	o.parked = false
	o.pause = min(max(2*o.pause, minPause), heardWithin)
	o.rest = time.Now().Add(o.pause/2 + rand.N(o.pause/2)) //nolint:gosec // not a secret
	a.wake()
}

// onBatch takes a coordinator's answer to an offer.
func (a *Agent) onBatch(m *nats.Msg) {
	id, number := lastTokens(m.Subject)
	if isNobody(m) {
		a.unheard(id)
		return
	}
	b := &a.batch // the subscription has one goroutine
	if err := b.Read(m.Data); err != nil {
		a.log.Warn("a batch of tasks makes no sense; is the driver of another version?", "job", id, "error", err)
		a.unheard(id)
		return
	}
	a.mu.Lock()
	a.accept(id, number, b)
	a.mu.Unlock()
	a.offer()
}

// accept takes a batch, unless it is an old one. The mutex is held.
func (a *Agent) accept(id string, number uint64, b *protocol.Batch) {
	j := a.jobs[id]
	if j == nil || j.over || j.refusal != "" || a.leaving {
		return // unconfirmed, its tasks are given out again
	}
	switch {
	case b.Epoch < j.epoch:
		j.log.Warn("a driver that was replaced still gives out tasks: they aren't taken", "epoch", b.Epoch)
		return
	case b.Epoch > j.epoch:
		a.know(id, b.Epoch)
	}
	offered := j.offer.cpu
	if number != j.offer.number {
		offered = j.offer.before // the two crossed: the newer offer has more than what is left now
	}
	if len(b.Tasks) == 0 && b.Number == protocol.Kept {
		j.offer.none = j.offer.parked
		return
	}
	if len(b.Tasks) > 0 || number == j.offer.number {
		j.offer.parked, j.offer.pause = false, 0
	}
	if len(b.Tasks) == 0 {
		if number == j.offer.number {
			j.offer.rest = time.Now().Add(emptyWait)
			a.wake()
		}
		return
	}
	waited := len(a.jobs) > 1 && time.Since(j.offer.since) > minTurn/2
	a.counters.batches++
	j.offer.gave = time.Now()
	j.offer.taken = b.Number
	j.up.sayLater(protocol.Accept{Number: b.Number})
	if j.batches.add(b.Number) {
		a.take(j, b, offered)
	}
	if waited {
		j.up.sayNow() // its coordinator waits for that before it gives tasks for what others have too
	}
}

// lastTokens are a job and a number at the end of a subject.
func lastTokens(subject string) (id string, number uint64) {
	at := strings.LastIndexByte(subject, '.')
	if at < 0 {
		return "", 0
	}
	number, _ = strconv.ParseUint(subject[at+1:], 10, 64)
	subject = subject[:at]
	return subject[strings.LastIndexByte(subject, '.')+1:], number
}

// onConfirmed takes a stream's answer to a message of outcomes.
func (a *Agent) onConfirmed(m *nats.Msg) {
	id, number := lastTokens(m.Subject)
	a.mu.Lock()
	list := a.journals(id)
	a.mu.Unlock()
	full := a.outbox.Load() > maxOutbox
	for _, j := range list {
		if j.confirmed(number, m) && full {
			a.offer()
		}
	}
}
