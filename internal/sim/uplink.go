package sim

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// uplink says items to a job's driver, one message at a time, until each is heard (cluster/agent/uplink.go).
type uplink struct {
	w      *work
	items  []protocol.Item
	soon   bool
	timed  bool
	flying []protocol.Item
	number int
	sentAt time.Duration
	pause  time.Duration
	after  []func() // once what was said is heard
	landed []func()
}

const (
	heardWithin = 2 * time.Second
	saidWithin  = 250 * time.Millisecond
)

// begin forgets what was for the driver of an earlier epoch.
func (u *uplink) begin() {
	u.items, u.flying, u.after, u.landed, u.soon = nil, nil, nil, nil, false
	u.number++
}

func (u *uplink) say(items ...protocol.Item) {
	u.items = append(u.items, items...)
	u.soon = true
	u.next()
}

func (u *uplink) sayLater(it protocol.Item) {
	u.items = append(u.items, it)
	if u.timed || u.soon {
		return
	}
	u.timed = true
	a := u.w.a
	a.s.within(a.life, saidWithin, func() {
		u.timed, u.soon = false, len(u.items) > 0
		u.next()
	})
}

// next sends what waits, if nothing is on its way.
func (u *uplink) next() {
	if u.flying != nil || !u.soon || u.w.over {
		return
	}
	u.flying, u.items, u.soon = u.items, nil, false
	u.landed, u.after = u.after, nil
	u.number++
	u.pause = 50 * time.Millisecond
	u.send()
}

func (u *uplink) send() {
	u.sentAt = u.w.a.s.now
	a, number, items, epoch := u.w.a, u.number, u.flying, u.w.epoch
	heard := func() {
		if u.number == number && u.flying != nil {
			u.heard()
		}
	}
	a.s.toDriver(a, u.w.job, func(d *driver) { d.onUp(a, epoch, items, heard) }, func() {
		if u.number == number && u.flying != nil {
			u.sentAt = a.s.now - heardWithin + u.pause
			a.s.within(a.life, u.pause, u.repeat)
			u.pause = min(2*u.pause, heardWithin)
		}
	})
}

func (u *uplink) heard() {
	done := u.landed
	u.flying, u.landed = nil, nil
	for _, f := range done {
		f()
	}
	u.next()
}

// repeat sends again what hasn't been heard.
func (u *uplink) repeat() {
	if u.flying != nil && !u.w.over && u.w.a.s.now-u.sentAt >= heardWithin {
		u.send()
	}
}

// outbox appends outcomes to a job's stream, until it has confirmed them (cluster/agent/journal.go).
type outbox struct {
	w       *work
	open    []outcome
	epoch   uint32
	cut     []*record
	flying  []flight
	kept    []flight // what was confirmed lately
	resting bool
}

type flight struct {
	r  *record
	at time.Duration
}

const (
	fewFlying     = 4
	mostFlying    = 64
	repeatAfter   = 4 * time.Second
	keepConfirmed = 10 * time.Second
)

func (b *outbox) idle() bool { return len(b.open)+len(b.cut)+len(b.flying)+len(b.kept) == 0 }

// unconfirmed are the tasks whose outcomes the stream hasn't confirmed.
func (b *outbox) unconfirmed() (tasks []int32) {
	add := func(list []outcome) {
		for i := range list {
			tasks = append(tasks, list[i].task)
		}
	}
	add(b.open)
	for _, r := range b.cut {
		add(r.outcomes)
	}
	for _, f := range b.flying {
		add(f.r.outcomes)
	}
	return tasks
}

func (b *outbox) add(epoch uint32, o outcome) {
	if len(b.open) > 0 && b.epoch != epoch {
		b.seal()
	}
	b.epoch = epoch
	b.open = append(b.open, o)
}

func (b *outbox) seal() {
	b.cut = append(b.cut, &record{epoch: b.epoch, node: b.w.a, outcomes: b.open})
	b.open = nil
}

// wake sends what may go out.
func (b *outbox) wake() {
	a := b.w.a
	for !b.resting && (len(b.cut) > 0 && len(b.flying) < mostFlying || len(b.open) > 0 && len(b.flying) < fewFlying) {
		if len(b.cut) == 0 {
			b.seal()
		}
		f := flight{b.cut[0], a.s.now}
		b.cut = b.cut[1:]
		b.flying = append(b.flying, f)
		if !b.w.job.stream.publish(a.host, *f.r, func() { b.confirmed(f.r) }) {
			b.resting = true
		}
	}
}

func (b *outbox) confirmed(r *record) {
	for i, f := range b.flying {
		if f.r == r {
			b.flying = append(b.flying[:i], b.flying[i+1:]...)
			b.kept = append(b.kept, flight{r, b.w.a.s.now})
			break
		}
	}
	b.resting = false
	b.wake()
}

// repeat sends again what wasn't confirmed in time.
func (b *outbox) repeat(age time.Duration) {
	now := b.w.a.s.now
	kept := b.flying[:0]
	for _, f := range b.flying {
		if now-f.at >= age && b.w.a.s.has(forgetsSent) {
			continue
		}
		if now-f.at >= age {
			b.cut = append(b.cut, f.r)
		} else {
			kept = append(kept, f)
		}
	}
	b.flying = kept
	n := 0
	for n < len(b.kept) && now-b.kept[n].at > keepConfirmed {
		n++
	}
	b.kept = b.kept[n:]
	b.resting = false
	b.wake()
}

// resend sends what was confirmed lately again: the server was started again, and may have lost it.
func (b *outbox) resend() {
	for _, f := range b.kept {
		b.cut = append(b.cut, f.r)
	}
	b.kept = nil
	b.wake()
}
