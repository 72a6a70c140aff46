package remote

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// say sends what is to be said to nodes.
func (c *Carrier) say() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.speak:
		}
		for c.sayNext() {
		}
	}
}

func (c *Carrier) sayNext() bool {
	c.mu.Lock()
	m, ok := c.downs.Next(time.Now())
	c.mu.Unlock()
	if ok {
		c.sayTo(m)
	}
	return ok
}

// sayTo sends a message. If that can't be, it is sent again, as one that isn't answered.
func (c *Carrier) sayTo(m dispatch.Message) {
	most := int(c.conn.MaxPayload())
	d := protocol.Down{Epoch: c.opened.Epoch, Items: m.Items}
	data := d.Append(nil)
	if len(data) > most && most > 0 {
		d.Items = shorten(m.Items, most)
		data = d.Append(nil)
	}
	reply := protocol.AnswerSubject(c.inbox, protocol.AnswerDown, m.Node, strconv.FormatUint(m.Number, 10))
	_ = c.conn.PublishRequest(protocol.DownSubject(c.opened.Job, m.Node), reply, data)
}

// shorten replaces the values that no message can carry by failures that say so. Only the one value of a message may be
// as long: see downs.
func shorten(items []protocol.Item, most int) []protocol.Item {
	out := make([]protocol.Item, len(items))
	for i, it := range items {
		if s, ok := it.(protocol.Settle); ok && dispatch.SizeOfValue(&s.Value) > dispatch.MaxMessage {
			s.Value = protocol.TextFailure(fmt.Sprintf("the value is longer than a message, of at most %d bytes: "+
				"let the function return fewer, or Put them", most))
			it = s
		}
		out[i] = it
	}
	return out
}

// lives is the last token of the subject to which a node answers that it lives.
const lives = "lives"

// ask asks a node whether it lives, with an empty message, which is out of the order of the others.
func (c *Carrier) ask(node string) {
	d := protocol.Down{Epoch: c.opened.Epoch}
	reply := protocol.AnswerSubject(c.inbox, protocol.AnswerDown, node, lives)
	_ = c.conn.PublishRequest(protocol.DownSubject(c.opened.Job, node), reply, d.Append(nil))
}

// onAnswer hears that a node has heard.
func (c *Carrier) onAnswer(m *nats.Msg) {
	if nobody := len(m.Data) == 0 && m.Header.Get("Status") != ""; nobody && !c.leaving.Load() {
		return // nobody listens there now, the server says; at the end that is as good as an answer
	}
	token := lastToken(m.Subject)
	node := lastToken(strings.TrimSuffix(m.Subject, "."+token)) // servers let nobody else answer there
	c.mu.Lock()
	if token != lives {
		number, _ := strconv.ParseUint(token, 10, 64)
		c.downs.Answered(node, number)
	}
	c.nodes.Heard(node)
	more, idle := c.downs.Ready(), c.downs.Idle()
	c.mu.Unlock()
	if more {
		c.speak.give()
	}
	if idle {
		c.quiet.give()
	}
}
