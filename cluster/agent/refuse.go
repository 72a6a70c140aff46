package agent

import (
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// refused remembers what was refused already, so that nobody fills the log.
type refused struct {
	mu   sync.Mutex
	seen map[string]bool
}

const maxRefused = 1000 // lines; beyond, nothing is logged any more

// fresh reports whether a text is new.
func (r *refused) fresh(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[text] || len(r.seen) >= maxRefused {
		return false
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	r.seen[text] = true
	return true
}

// refuse logs, once, that a message isn't listened to.
func (a *Agent) refuse(m *nats.Msg, why string) {
	if a.refused.fresh(m.Subject + " " + why) {
		a.log.Warn("a message isn't listened to: "+why, "subject", m.Subject, "reply", m.Reply)
	}
}

// only passes on messages that were written to a subject which a subscription is for. Servers can be made to deliver
// others too: they check who writes to a subject, and not where a message is delivered.
func (a *Agent) only(subscribed string, handle nats.MsgHandler) nats.MsgHandler {
	return func(m *nats.Msg) {
		if !matches(subscribed, m.Subject) {
			a.refuse(m, "it was written to another subject")
			return
		}
		handle(m)
	}
}

// matches reports whether a subscription is for a subject.
func matches(subscribed, subject string) bool {
	for {
		want, more, many := strings.Cut(subscribed, ".")
		got, rest, left := strings.Cut(subject, ".")
		switch {
		case want == ">":
			return got != ""
		case want != got && (want != "*" || got == ""), many != left:
			return false
		case !many:
			return true
		}
		subscribed, subject = more, rest
	}
}
