package head

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// scene has two users with a job each, and two nodes.
type scene struct {
	*cluster

	ann, eve   *member
	job, evil  string // ann's and eve's
	annJ, eveJ *member
	node, next *member
}

func newScene(t *testing.T, start starter) *scene {
	t.Helper()
	c := start(t, Config{})
	s := &scene{
		cluster: c, ann: c.join(join.RoleUser, "ann"), eve: c.join(join.RoleUser, "eve"),
		node: c.join(join.RoleAgent, ""), next: c.join(join.RoleAgent, ""),
	}
	opened, j := c.open(s.ann, "")
	s.job, s.annJ = opened.Job, j
	opened, j = c.open(s.eve, "")
	s.evil, s.eveJ = opened.Job, j
	return s
}

// cantPublish expects that the server refuses a message, and says so in a line.
func (s *scene) cantPublish(m *member, subject string, data []byte) {
	s.t.Helper()
	if err := m.Conn.PublishRequest(subject, join.InboxPrefix(m.Who)+".x", data); err != nil {
		s.t.Fatal(err)
	}
	s.log.await(s.t, "Publish Violation", subject)
}

func (s *scene) cantHear(m *member, subject string) {
	s.t.Helper()
	if _, err := m.Conn.SubscribeSync(subject); err != nil {
		s.t.Fatal(err)
	}
	s.log.await(s.t, "Subscription Violation", subject)
}

// A user, a job and a node do what their role may, and nothing as somebody else.
func TestForeignSubjects(t *testing.T) { onBoth(t, testForeignSubjects) }

func testForeignSubjects(t *testing.T, start starter) {
	s := newScene(t, start)
	for _, m := range []*member{s.eve, s.eveJ} {
		for _, subject := range []string{
			protocol.OutcomeSubject(s.job, s.node.Who), protocol.DecisionSubject(s.job), protocol.OfferSubject(s.job),
			protocol.UpSubject(s.job, s.node.Who), protocol.DownSubject(s.job, s.node.Who), protocol.Digest, protocol.JobsDigest,
			protocol.NewsSubject(s.job), protocol.AskSubject(s.job), protocol.AskSubject(s.evil),
			protocol.ControlSubject("ann", protocol.OpListJobs), protocol.ControlSubject(s.job, protocol.OpCloseJob),
			protocol.ControlSubject(s.node.Who, protocol.OpReportNode), protocol.NodeSubject(s.node.Who, "stop"),
			join.InboxPrefix("ann") + ".x", join.InboxPrefix(s.job) + ".x", "anything", "$SYS.REQ.SERVER.PING",
		} {
			s.cantPublish(m, subject, []byte("forged"))
		}
		for _, subject := range []string{
			">", "m.>", "m.j.>", protocol.AllUp(s.job), protocol.OfferSubject(s.job), "m.j.*.offer", protocol.AllDown(s.node.Who),
			protocol.OutcomeSubject(s.job, "*"), protocol.AllControl, protocol.ControlSubject("ann", ">"), "_INBOX.>", "_INBOX.*.*",
			join.InboxPrefix("ann") + ".>", join.InboxPrefix(s.job) + ".>", "$JS.>", "$SYS.>",
			protocol.AskSubject(s.job), protocol.JobsDigest, protocol.AllNews, protocol.NewsSubject(s.job), "m.news.>",
		} {
			s.cantHear(m, subject)
		}
	}
	for _, subject := range []string{
		protocol.OutcomeSubject(s.job, s.next.Who), protocol.UpSubject(s.job, s.next.Who), protocol.DownSubject(s.job, s.next.Who),
		protocol.DecisionSubject(s.job), protocol.ControlSubject(s.next.Who, protocol.OpReportNode), protocol.NodeSubject(s.next.Who, "stop"),
		protocol.AskSubject(s.job), protocol.AskSubject(s.evil),
	} {
		s.cantPublish(s.node, subject, []byte("forged"))
	}
	for _, subject := range []string{
		protocol.AllDown(s.next.Who), protocol.OfferSubject(s.job), protocol.AllUp(s.job), protocol.OutcomeSubject("*", "*"), "_INBOX.>",
	} {
		s.cantHear(s.node, subject)
	}
}

// Nobody but nodes and the job itself hears that a job is there: who knows its id can have servers write into its journal.
func TestJobsOfOthers(t *testing.T) { onBoth(t, testJobsOfOthers) }

func testJobsOfOthers(t *testing.T, start starter) {
	c := start(t, Config{Ages: shortAges})
	ann, eve, node := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "eve"), c.join(join.RoleAgent, "")
	_, eveJ := c.open(eve, "")
	heard := map[*member]chan *nats.Msg{eve: eve.hear(protocol.Digest), eveJ: eveJ.hear(protocol.Digest)}
	jobs, news := node.hear(protocol.JobsDigest), node.hear(protocol.AllNews)
	job, j := c.open(ann, "nightly")
	own := j.hear(protocol.NewsSubject(job.Job))
	has := func(m *nats.Msg) bool { return strings.Contains(string(m.Data), job.Job) }
	await(t, news, has)
	await(t, jobs, has)
	for m, digests := range heard {
		before := len(digests)
		await(t, digests, func(d *nats.Msg) bool {
			if has(d) || strings.Contains(string(d.Data), "jobs") {
				t.Errorf("%s hears %s", m.Who, d.Data)
			}
			before--
			return before < 0 // one that was published after the nodes' that has the job
		})
	}
	j.ask(protocol.OpCloseJob, protocol.CloseJob{Job: job.Job, Epoch: 1}, nil)
	await(t, own, func(m *nats.Msg) bool { return has(m) && strings.Contains(string(m.Data), `"ended":true`) })
}

// Only the head makes, changes and removes streams and consumers, whatever they would be made for.
func TestForeignStreams(t *testing.T) { onBoth(t, testForeignStreams) }

func testForeignStreams(t *testing.T, start starter) {
	s := newScene(t, start)
	mine, theirs := protocol.StreamName(s.evil), protocol.StreamName(s.job)
	body := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	consumer := func(stream, deliver string) []byte {
		return body(map[string]any{"stream_name": stream, "config": map[string]any{"deliver_subject": deliver, "ack_policy": "none"}})
	}
	for _, m := range []*member{s.eve, s.eveJ, s.node} {
		for _, request := range []struct {
			subject string
			body    []byte
		}{
			{"$JS.API.CONSUMER.CREATE." + mine, consumer(mine, protocol.OutcomeSubject(s.job, "n1"))},
			{"$JS.API.CONSUMER.CREATE." + mine + ".x", consumer(mine, join.InboxPrefix("ann")+".x")},
			{"$JS.API.CONSUMER.DURABLE.CREATE." + mine + ".x", consumer(mine, protocol.NewsSubject(s.job))},
			{"$JS.API.CONSUMER.CREATE." + theirs, consumer(theirs, join.InboxPrefix(m.Who)+".x")},
			{"$JS.API.CONSUMER.MSG.NEXT." + theirs + "." + protocol.ConsumerName(s.job, 1), []byte("1")},
			{"$JS.API.CONSUMER.INFO." + theirs + "." + protocol.ConsumerName(s.job, 1), nil},
			{"$JS.API.CONSUMER.DELETE." + theirs + "." + protocol.ConsumerName(s.job, 1), nil},
			{"$JS.ACK." + theirs + "." + protocol.ConsumerName(s.job, 1) + ".1.1.1.1.0", nil},
			{"$JS.API.STREAM.MSG.GET." + theirs, []byte(`{"seq":1}`)},
			{"$JS.API.DIRECT.GET." + theirs, []byte(`{"seq":1}`)},
			{"$JS.API.STREAM.CREATE.x", body(jetstream.StreamConfig{Name: "x", Mirror: &jetstream.StreamSource{Name: theirs}})},
			{"$JS.API.STREAM.CREATE.x", body(jetstream.StreamConfig{Name: "x", Sources: []*jetstream.StreamSource{{Name: theirs}}})},
			{"$JS.API.STREAM.UPDATE." + mine, body(jetstream.StreamConfig{
				Name: mine, Subjects: protocol.StreamSubjects(s.evil),
				RePublish: &jetstream.RePublish{Source: ">", Destination: protocol.OutcomeSubject(s.job, "n1")},
			})},
			{"$JS.API.STREAM.PURGE." + theirs, nil},
			{"$JS.API.STREAM.DELETE." + theirs, nil},
			{"$JS.API.STREAM.SNAPSHOT." + theirs, nil},
			{"$JS.API.STREAM.NAMES", nil},
			{"$JS.API.STREAM.INFO." + theirs, nil},
		} {
			s.cantPublish(m, request.subject, request.body)
		}
	}
}

// The head answers only where the one who asks may hear.
func TestAnswerElsewhere(t *testing.T) { onBoth(t, testAnswerElsewhere) }

func testAnswerElsewhere(t *testing.T, start starter) {
	s := newScene(t, start)
	for _, reply := range []string{
		protocol.OutcomeSubject(s.job, s.node.Who), join.InboxPrefix("ann") + ".x", protocol.NewsSubject(s.job), "_INBOX.evening.x",
	} {
		if err := s.eve.Conn.PublishRequest(protocol.ControlSubject("eve", protocol.OpListNodes), reply, nil); err != nil {
			t.Fatal(err)
		}
		s.log.await(t, "refused a request that asks for its answer elsewhere", "who=eve")
	}
	stream, err := s.js.Stream(t.Context(), protocol.StreamName(s.job))
	if err != nil || stream.CachedInfo().State.Msgs != 0 {
		t.Errorf("something was published: %v", err)
	}
}

// Of a node and a job in one hand none can have the other speak where it may not, nor answer in another's place.
func TestForeignAnswers(t *testing.T) { onBoth(t, testForeignAnswers) }

func testForeignAnswers(t *testing.T, start starter) {
	s := newScene(t, start)
	downs, offers := s.node.hear(protocol.AllDown(s.node.Who)), s.eveJ.hear(protocol.OfferSubject(s.evil))
	for _, victim := range []string{
		protocol.NodeSubject(s.next.Who, "stop"), protocol.ControlSubject("ann", protocol.OpListJobs), protocol.NewsSubject(s.job),
		protocol.OutcomeSubject(s.job, s.next.Who), protocol.JournalSubject(s.job, 1), protocol.UpSubject(s.job, s.next.Who),
		join.InboxPrefix("ann") + ".x", protocol.AnswerSubject(join.InboxPrefix(s.job)+".r", protocol.AnswerDown, s.next.Who, "1"),
		protocol.AnswerSubject(join.InboxPrefix(s.next.Who)+".r", protocol.AnswerOffer, s.job, "1"),
	} {
		if err := s.eveJ.Conn.PublishRequest(protocol.DownSubject(s.evil, s.node.Who), victim, nil); err != nil {
			t.Fatal(err)
		}
		s.cantPublish(s.node, await(t, downs, func(*nats.Msg) bool { return true }).Reply, []byte("forged"))
		if err := s.node.Conn.PublishRequest(protocol.OfferSubject(s.evil), victim, nil); err != nil {
			t.Fatal(err)
		}
		s.cantPublish(s.eveJ, await(t, offers, func(*nats.Msg) bool { return true }).Reply, []byte("forged"))
	}
	answered := protocol.AnswerSubject(s.node.Conn.NewInbox(), protocol.AnswerUp, s.evil, "1")
	heard := s.node.hear(answered)
	if err := s.eveJ.Conn.Publish(answered, nil); err != nil {
		t.Fatal(err)
	}
	await(t, heard, func(*nats.Msg) bool { return true })
}

// A job's key can't have the server publish elsewhere what it has written, by asking for its own journal there.
func TestForeignPull(t *testing.T) { onBoth(t, testForeignPull) }

func testForeignPull(t *testing.T, start starter) {
	s := newScene(t, start)
	mine, consumer := protocol.StreamName(s.evil), protocol.ConsumerName(s.evil, 1)
	for _, subject := range []string{
		"$JS.API.CONSUMER.MSG.NEXT." + mine + "." + consumer, "$JS.API.CONSUMER.INFO." + mine + "." + consumer,
		"$JS.API.CONSUMER.RESET." + mine + "." + consumer, "$JS.API.CONSUMER.UNPIN." + mine + "." + consumer,
		"$JS.FC." + protocol.StreamName(s.job) + "." + protocol.ConsumerName(s.job, 1) + ".x",
	} {
		s.cantPublish(s.eveJ, subject, []byte("1"))
	}
	victims := map[string]chan *nats.Msg{
		protocol.NodeSubject(s.node.Who, "stop"):            s.node.hear(protocol.NodeSubject(s.node.Who, ">")),
		protocol.DownSubject(s.job, s.node.Who):             s.node.hear(protocol.AllDown(s.node.Who)),
		protocol.JournalSubject(s.job, 1):                   s.annJ.hear(protocol.JournalSubject(s.job, 1)),
		protocol.OfferSubject(s.job):                        s.annJ.hear(protocol.OfferSubject(s.job)),
		protocol.ControlSubject("ann", protocol.OpListJobs): nil,
	}
	record := s.eveJ.hear(protocol.JournalSubject(s.evil, 1))
	for victim, heard := range victims {
		if err := s.eveJ.Conn.PublishRequest(protocol.DecisionSubject(s.evil), victim, []byte("forged")); err != nil {
			t.Fatal(err)
		}
		m := await(t, record, func(m *nats.Msg) bool { return len(m.Data) > 0 })
		pull := &nats.Msg{Subject: m.Reply, Reply: victim, Data: []byte("+NXT")} // acknowledges, and asks for the next there
		if err := s.eveJ.Conn.PublishMsg(pull); err != nil {
			t.Fatal(err)
		}
		if err := s.eveJ.Conn.PublishRequest(protocol.DecisionSubject(s.evil), victim, []byte("forged")); err != nil {
			t.Fatal(err)
		}
		await(t, record, func(m *nats.Msg) bool { return len(m.Data) > 0 })
		for range 2 { // the server's own answers: what was published is stored
			if heard != nil {
				m = await(t, heard, func(*nats.Msg) bool { return true })
				if m.Reply != "" || string(m.Data) == "forged" {
					t.Errorf("%s hears %q with reply subject %q", victim, m.Data, m.Reply)
				}
			}
		}
	}
	s.log.await(t, "refused a request that asks for its answer elsewhere", "who=ann")
}

// What isn't one's own is refused by the head too, with a line in its log.
func TestForeignOperations(t *testing.T) { onBoth(t, testForeignOperations) }

func testForeignOperations(t *testing.T, start starter) {
	s := newScene(t, start)
	for _, r := range []struct {
		m        *member
		code, op string
		in       any
	}{
		{s.eve, protocol.CodeForbidden, protocol.OpCloseJob, protocol.CloseJob{Job: s.job, Epoch: 1}},
		{s.eveJ, protocol.CodeForbidden, protocol.OpCloseJob, protocol.CloseJob{Job: s.job, Epoch: 1}},
		{s.eveJ, protocol.CodeForbidden, protocol.OpRenewJob, protocol.RenewJob{Job: s.job, Epoch: 1}},
		{s.eve, protocol.CodeForbidden, protocol.OpCancelJob, protocol.JobID{Job: s.job}},
		{s.eve, protocol.CodeForbidden, protocol.OpNewToken, protocol.NewToken{Role: join.RoleAdmin, User: "eve"}},
		{s.eve, protocol.CodeForbidden, protocol.OpListTokens, nil},
		{s.eve, protocol.CodeForbidden, protocol.OpJoinNode, join.JoinRequest{}},
		{s.node, protocol.CodeForbidden, protocol.OpJoinNode, join.JoinRequest{}},
		{s.eve, protocol.CodeForbidden, protocol.OpDropIdentity, protocol.IdentityName{Name: "ann"}},
		{s.eve, protocol.CodeForbidden, protocol.OpReportNode, protocol.NodeInfo{}},
		{s.eve, protocol.CodeForbidden, protocol.OpRenewIdentity, protocol.RenewIdentity{PublicKey: publicOf(t, s.ann)}},
		{s.eveJ, protocol.CodeForbidden, protocol.OpOpenJob, protocol.OpenJob{}},
		{s.eveJ, protocol.CodeForbidden, protocol.OpListJobs, nil},
		{s.node, protocol.CodeForbidden, protocol.OpReportNode, protocol.NodeInfo{Node: s.next.Who}},
		{s.node, protocol.CodeForbidden, protocol.OpOpenJob, protocol.OpenJob{}},
		{s.node, protocol.CodeForbidden, protocol.OpCancelJob, protocol.JobID{Job: s.job}},
		{s.eve, protocol.CodeMalformed, protocol.OpHasBlob, protocol.BlobID{Hash: "../../keys/operator.nk"}},
		{s.eve, protocol.CodeMalformed, protocol.OpGetBlob, protocol.GetBlob{Hash: "../../keys/operator.nk", Most: 9}},
		{s.eve, protocol.CodeMalformed, protocol.OpPutBlob, protocol.PutBlob{Hash: "../x", Size: 9}},
		{s.eve, protocol.CodeMalformed, protocol.OpListJobs, "no struct"},
	} {
		r.m.refused(r.code, r.op, r.in)
		s.log.await(t, "refused a request", "who="+r.m.Who, "operation="+r.op)
	}
	s.eve.refused(protocol.CodeUnknown, "job.explode", nil)
	var seen []protocol.JobInfo
	s.eve.ask(protocol.OpListJobs, nil, &seen)
	if len(seen) != 1 || seen[0].Job != s.evil {
		t.Errorf("eve sees %v", seen)
	}
	var events []protocol.ClusterEvent
	s.eve.ask(protocol.OpEvents, nil, &events)
	for _, e := range events {
		if e.Job == s.job {
			t.Errorf("eve sees %+v", e)
		}
	}
}

func publicOf(t *testing.T, m *member) string {
	t.Helper()
	public, err := publicKey(m.id.Seed)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// Nobody connects without an identity of the cluster, nor with a JWT that is another's, altered, or of another account.
func TestForeignIdentities(t *testing.T) { onBoth(t, testForeignIdentities) }

func testForeignIdentities(t *testing.T, start starter) {
	c, other := start(t, Config{}), start(t, Config{})
	ann, eve := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "eve")
	stranger := other.join(join.RoleUser, "ann").id
	stranger.URLs, stranger.Servers, stranger.CA, stranger.Cluster = ann.id.URLs, ann.id.Servers, ann.id.CA, ann.id.Cluster
	stolen := eve.id
	stolen.JWT = ann.id.JWT
	altered := eve.id
	parts := strings.Split(altered.JWT, ".")
	parts[1] = strings.Split(ann.id.JWT, ".")[1]
	altered.JWT = strings.Join(parts, ".")
	for name, id := range map[string]join.Identity{"stranger": stranger, "stolen": stolen, "altered": altered} {
		_, err := join.Connect(t.Context(), id, join.Options{})
		if err == nil || !strings.Contains(err.Error(), "accept this identity") {
			t.Errorf("%s: %v", name, err)
		}
		c.log.await(t, "authentication error")
	}
	for name, options := range map[string][]nats.Option{
		"plain": nil, "TLS without an identity": {nats.Secure(insecure())},
		"a password": {nats.Secure(insecure()), nats.UserInfo("admin", "admin")},
	} {
		options = append(options, nats.Timeout(500*time.Millisecond))
		if len(options) > 1 && ann.id.Servers == nil {
			options = append(options, nats.TLSHandshakeFirst())
		}
		if conn, err := nats.Connect(strings.Replace(ann.id.URLs[0], "tls://", "nats://", 1), options...); err == nil {
			conn.Close()
			t.Errorf("%s: connected", name)
		}
	}
	wrong := ann.id
	wrong.URLs = other.URLs()
	_, err := join.Connect(t.Context(), wrong, join.Options{})
	if err == nil || !strings.Contains(err.Error(), "another cluster") && !strings.Contains(err.Error(), "isn't known") {
		t.Errorf("another cluster's head: %v", err)
	}
}

// Who is revoked is disconnected and stays out, with all that belongs to him.
func TestRevoke(t *testing.T) {
	c := start(t, Config{})
	ann, admin := c.join(join.RoleUser, "ann"), c.connect(c.Admin())
	_, j := c.open(ann, "named")
	ended := c.join(join.RoleAgent, "").hear(protocol.AllNews)
	admin.ask(protocol.OpDropIdentity, protocol.IdentityName{Name: "ann"}, nil)
	await(t, ended, func(m *nats.Msg) bool { return strings.Contains(string(m.Data), `"ended":true`) })
	for _, m := range []*member{ann, j} {
		gone := m.Conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
		if m.Conn.IsConnected() {
			await(t, gone, func(s nats.Status) bool { return s != nats.CONNECTED })
		}
		_, err := join.Connect(t.Context(), m.id, join.Options{})
		if err == nil || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("%s: %v", m.Who, err)
		}
		_, err = join.Renew(t.Context(), m.id)
		var r *protocol.Refusal
		if !errors.As(err, &r) || r.Code != protocol.CodeForbidden {
			t.Errorf("%s: %v", m.Who, err)
		}
	}
	admin.ask(protocol.OpListNodes, nil, nil)
	admin.refused(protocol.CodeForbidden, protocol.OpDropIdentity, protocol.IdentityName{Name: "admin"})
	admin.refused(protocol.CodeUnknown, protocol.OpDropIdentity, protocol.IdentityName{Name: "ann"})
	c.join(join.RoleUser, "ann").ask(protocol.OpListNodes, nil, nil) // a new key
}
