package head

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// moody is JetStream that can't make a stream some times.
type moody struct {
	jetstream.JetStream

	times int
	err   error
}

func (m *moody) CreateOrUpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	if m.times--; m.times >= 0 {
		return nil, m.err
	}
	return m.JetStream.CreateOrUpdateStream(ctx, c)
}

// A stream that the server can't make while it tidies up is made all the same; what has another reason isn't tried again.
func TestStreamIsMadeAgain(t *testing.T) {
	c := start(t, Config{})
	u := c.join(join.RoleUser, "ann")
	js := &moody{JetStream: c.js, times: createTries - 1, err: &jetstream.APIError{Code: 500, ErrorCode: errNoStore}}
	c.js = js
	c.open(u, "")
	js.times, js.err = 2, errors.New("something else")
	in, _ := opening(t, "")
	u.refused(protocol.CodeInternal, protocol.OpOpenJob, in)
	if js.times != 1 {
		t.Errorf("tried %d times", 2-js.times)
	}
}

// A journal whose consumer a power cut has taken is read on after the next start; others' consumers stay as they are.
func TestMendedJournal(t *testing.T) {
	c := start(t, Config{})
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	whole, w := c.open(u, "whole")
	broken, b := c.open(u, "broken")
	js, err := jetstream.New(n.Conn)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(job, text string) {
		t.Helper()
		if _, err := js.Publish(t.Context(), protocol.OutcomeSubject(job, n.Who), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	inWhole, inBroken := w.hear(protocol.JournalSubject(whole.Job, 1)), b.hear(protocol.JournalSubject(broken.Job, 1))
	next := func(in chan *nats.Msg) *nats.Msg {
		t.Helper()
		return await(t, in, func(m *nats.Msg) bool { return len(m.Data) > 0 })
	}
	for job, in := range map[string]chan *nats.Msg{whole.Job: inWhole, broken.Job: inBroken} {
		publish(job, "before")
		if err := next(in).Respond([]byte("+ACK")); err != nil {
			t.Fatal(err)
		}
	}
	w.ask(protocol.OpListNodes, nil, nil) // so the acknowledgement has arrived
	b.ask(protocol.OpListNodes, nil, nil)
	name := protocol.ConsumerName(broken.Job, broken.Epoch)
	if err := c.js.DeleteConsumer(t.Context(), protocol.StreamName(broken.Job), name); err != nil {
		t.Fatal(err)
	}
	var back []chan nats.Status
	for _, m := range []*member{n, w, b} {
		back = append(back, m.Conn.StatusChanged(nats.CONNECTED))
	}
	config := c.cfg
	c.Stop()
	again := start(t, Config{StateDir: config.StateDir})
	again.log.await(t, "the journal of a job isn't whole", broken.Job)
	for _, s := range back {
		await(t, s, func(s nats.Status) bool { return s == nats.CONNECTED })
	}
	publish(whole.Job, "after")
	publish(broken.Job, "after")
	if got := string(next(inWhole).Data); got != "after" {
		t.Errorf("the whole journal goes on with %q", got)
	}
	if got := string(next(inBroken).Data); got != "before" {
		t.Errorf("the broken journal goes on with %q", got)
	}
}

// A former driver's consumer is gone once another has the job, and its key is of no use for the new one.
func TestFormerConsumer(t *testing.T) {
	c := start(t, Config{})
	u := c.join(join.RoleUser, "ann")
	first, _ := c.open(u, "nightly")
	u.ask(protocol.OpCloseJob, protocol.CloseJob{Job: first.Job, Epoch: 1, Error: "no more"}, nil)
	second, j := c.open(u, "nightly")
	s, err := c.js.Stream(t.Context(), protocol.StreamName(second.Job))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range s.ConsumerNames(t.Context()).Name() {
		names = append(names, name)
	}
	if len(names) != 1 || names[0] != protocol.ConsumerName(second.Job, 2) {
		t.Errorf("consumers %v", names)
	}
	sc := &scene{cluster: c}
	sc.cantHear(j, protocol.JournalSubject(second.Job, 1))
	sc.cantHear(j, protocol.JournalSubject(second.Job, 3))
	sc.cantPublish(j, "$JS.FC."+protocol.StreamName(second.Job)+"."+protocol.ConsumerName(second.Job, 3)+".x", nil)
}

// A journal whose stream has lost its end, while its consumer is as it was, delivers what comes in place of what is gone:
// nats-server sees to it, and drivers depend on it.
func TestJournalThatLostItsEnd(t *testing.T) {
	c := start(t, Config{})
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	job, j := c.open(u, "nightly")
	js, err := jetstream.New(n.Conn)
	if err != nil {
		t.Fatal(err)
	}
	heard := j.hear(protocol.JournalSubject(job.Job, 1))
	publish := func(text string) {
		t.Helper()
		if _, err := js.Publish(t.Context(), protocol.OutcomeSubject(job.Job, n.Who), []byte(text)); err != nil {
			t.Fatal(err)
		}
		m := await(t, heard, func(m *nats.Msg) bool { return string(m.Data) == text })
		if err := m.Respond([]byte("+ACK")); err != nil {
			t.Fatal(err)
		}
		j.ask(protocol.OpListNodes, nil, nil) // so it has arrived
	}
	again := func(change func(msgs string)) {
		t.Helper()
		var back []chan nats.Status
		for _, m := range []*member{n, j} {
			back = append(back, m.Conn.StatusChanged(nats.CONNECTED))
		}
		config := c.cfg
		c.Stop()
		found, err := filepath.Glob(filepath.Join(c.folder.nats(), "jetstream", "*", "streams", protocol.StreamName(job.Job), "msgs"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		change(found[0])
		c = start(t, Config{StateDir: config.StateDir})
		for _, s := range back {
			await(t, s, func(s nats.Status) bool { return s == nats.CONNECTED })
		}
	}
	publish("1")
	older := t.TempDir()
	again(func(msgs string) {
		if err := os.CopyFS(older, os.DirFS(msgs)); err != nil {
			t.Fatal(err)
		}
	})
	publish("2")
	publish("3")
	again(func(msgs string) {
		if err := errors.Join(os.RemoveAll(msgs), os.CopyFS(msgs, os.DirFS(older))); err != nil {
			t.Fatal(err)
		}
	})
	publish("4")
}
