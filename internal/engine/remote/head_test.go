package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// testHead answers what a carrier asks of a head, and is its Cluster.
type testHead struct {
	testControl
	t      testing.TB
	server *testServer
	conn   *nats.Conn
	ages   protocol.Ages
	gate   gate // on the way of jobs' connections

	mu     sync.Mutex
	jobs   map[string]*testJob // by name
	blobs  map[string][]byte
	puts   int
	opens  []protocol.OpenJob
	renews []protocol.RenewJob
	closes []protocol.CloseJob
	mute   bool // renewals get no answer
}

type testJob struct {
	id    string
	epoch uint32

	driver string // that has it
}

// calm are ages at which nothing happens by itself during a test.
var calm = protocol.Ages{Renew: time.Hour, Dead: 2 * time.Hour, Ask: 3 * time.Second}

func startHead(t testing.TB, ages protocol.Ages) *testHead {
	s := startServer(t)
	h := &testHead{
		t: t, server: s, conn: s.connect(), ages: ages,
		jobs: map[string]*testJob{}, blobs: map[string][]byte{},
	}
	h.testControl = testControl{h, h.conn, "user"}
	if _, err := h.conn.Subscribe(protocol.AllControl, h.answer); err != nil {
		t.Fatal(err)
	}
	if err := h.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *testHead) answer(m *nats.Msg) {
	op := strings.SplitN(m.Subject, ".", 4)[3]
	body, err := h.do(op, m.Data)
	reply := protocol.Reply{Body: body}
	if errors.Is(err, errMute) {
		return
	}
	if errors.As(err, &reply.Error) {
		reply.Body = nil
	}
	data, _ := json.Marshal(reply)
	_ = m.Respond(data)
}

var errMute = errors.New("no answer")

func (h *testHead) do(op string, data []byte) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch op {
	case protocol.OpOpenJob:
		return h.open(decode[protocol.OpenJob](data))
	case protocol.OpRenewJob:
		r := decode[protocol.RenewJob](data)
		if h.mute {
			return nil, errMute
		}
		h.renews = append(h.renews, r)
		return nil, h.check(r.Job, r.Epoch)
	case protocol.OpCloseJob:
		r := decode[protocol.CloseJob](data)
		h.closes = append(h.closes, r)
		return nil, h.check(r.Job, r.Epoch)
	case protocol.OpHasBlob:
		hash := decode[protocol.BlobID](data).Hash
		b, ok := h.blobs[hash]
		if !ok {
			return nil, &protocol.Refusal{Code: protocol.CodeUnknown, Text: "no such blob"}
		}
		return protocol.BlobInfo{Hash: hash, Size: int64(len(b)), Have: int64(len(b)), Complete: true}, nil
	}
	return nil, &protocol.Refusal{Code: protocol.CodeMalformed, Text: "no operation " + op}
}

func decode[T any](data []byte) (v T) {
	if err := json.Unmarshal(data, &v); err != nil {
		panic(err)
	}
	return v
}

func (h *testHead) check(job string, epoch uint32) error {
	for _, j := range h.jobs {
		switch {
		case j.id != job:
		case j.epoch > epoch:
			return &protocol.Refusal{Code: protocol.CodeSuperseded, Text: "driver 2 has it"}
		default:
			return nil
		}
	}
	return &protocol.Refusal{Code: protocol.CodeUnknown, Text: "no such job"}
}

func (h *testHead) open(o protocol.OpenJob) (any, error) {
	h.opens = append(h.opens, o)
	name := o.Name
	if name == "" {
		name = fmt.Sprint("unnamed", len(h.jobs))
	}
	j := h.jobs[name]
	for id, had := range h.jobs {
		if had.driver == o.Driver+o.PublicKey {
			j = h.jobs[id]
			return protocol.JobOpened{Job: j.id, Epoch: j.epoch, JWT: "jwt", Ages: h.ages}, nil
		}
	}
	if j == nil {
		j = &testJob{id: fmt.Sprint("job", len(h.jobs)+1)}
		h.jobs[name] = j
	}
	j.epoch++
	j.driver = o.Driver + o.PublicKey
	last, err := h.makeStream(j.id, j.epoch)
	if err != nil {
		return nil, &protocol.Refusal{Code: protocol.CodeInternal, Text: err.Error()}
	}
	return protocol.JobOpened{Job: j.id, Epoch: j.epoch, JWT: "jwt", Ages: h.ages, Last: last}, nil
}

func (h *testHead) makeStream(job string, epoch uint32) (last uint64, err error) {
	ctx := context.Background()
	js, err := jetstream.New(h.server.connect())
	if err != nil {
		return 0, err
	}
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: protocol.StreamName(job), Subjects: protocol.StreamSubjects(job), Storage: jetstream.FileStorage,
		Duplicates: 100 * time.Millisecond,
	})
	if err != nil {
		return 0, err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	_ = stream.DeleteConsumer(ctx, protocol.ConsumerName(job, epoch-1))
	_, err = stream.CreatePushConsumer(ctx, jetstream.ConsumerConfig{
		Durable: protocol.ConsumerName(job, epoch), DeliverSubject: protocol.JournalSubject(job, epoch),
		AckPolicy: jetstream.AckAllPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		AckWait: 2 * time.Second, MaxAckPending: 4096, FlowControl: true, IdleHeartbeat: time.Second,
	})
	return info.State.LastSeq, err
}

// digest says which nodes live; all others are dead or unknown.
func (h *testHead) digest(up time.Duration, nodes ...protocol.NodeDigest) {
	data, _ := json.Marshal(protocol.ClusterDigest{Up: up.Seconds(), Nodes: nodes})
	if err := h.conn.Publish(protocol.Digest, data); err != nil {
		h.t.Error(err)
	}
}

func (h *testHead) Connect(_ context.Context, job, _, _ string) (*nats.Conn, Control, error) {
	conn := h.server.connect(nats.SetCustomDialer(&h.gate), nats.CustomInboxPrefix(protocol.Inbox(job)))
	return conn, testControl{h, conn, "job"}, nil
}

// testControl asks the head.
type testControl struct {
	head *testHead
	conn *nats.Conn
	who  string
}

func (c testControl) Ask(ctx context.Context, op string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := c.conn.RequestWithContext(ctx, protocol.ControlSubject(c.who, op), data)
	if err != nil {
		return err
	}
	var reply struct {
		Error *protocol.Refusal
		Body  json.RawMessage
	}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return err
	}
	if reply.Error != nil {
		return reply.Error
	}
	if out == nil || len(reply.Body) == 0 {
		return nil
	}
	return json.Unmarshal(reply.Body, out)
}

func (c testControl) PutBlob(_ context.Context, hash string, size int64, r io.ReaderAt) error {
	data, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	c.head.mu.Lock()
	defer c.head.mu.Unlock()
	c.head.blobs[hash] = data
	c.head.puts++
	return err
}

func (c testControl) GetBlob(_ context.Context, hash string, w io.Writer) error {
	c.head.mu.Lock()
	data, ok := c.head.blobs[hash]
	c.head.mu.Unlock()
	if !ok {
		return &protocol.Refusal{Code: protocol.CodeUnknown, Text: "no such blob"}
	}
	_, err := io.Copy(w, bytes.NewReader(data))
	return err
}
