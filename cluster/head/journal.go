package head

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

const (
	journalTime   = 5 * time.Second // for each request to JetStream
	redeliver     = 2 * time.Second // what a driver hasn't acknowledged comes again
	maxUnread     = 4096            // messages that a driver gets before it acknowledges; and 32 MiB, by flow control
	heartbeat     = time.Second     // after so long, a driver is asked again whether it keeps up
	dedupWindow   = time.Second     // Msg-Ids aren't used: outcomes are told apart by key
	createTries   = 10              // see createStream
	errNoStore    = jetstream.ErrorCode(10049)
	drainJournals = 30 * time.Second // to find those that are nobody's, and what others lack, at start
)

// consumerConfig makes the server deliver a job's journal to the one subject that the head chooses, as fast as the driver
// acknowledges. It isn't pulled: the server delivers to whatever subject a pull names, without asking whether who pulls
// may publish there, so a job could speak on any.
func consumerConfig(info *protocol.JobInfo) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: protocol.ConsumerName(info.Job, info.Epoch), DeliverSubject: protocol.JournalSubject(info.Job, info.Epoch),
		DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckAllPolicy,
		AckWait: redeliver, MaxAckPending: maxUnread, FlowControl: true, IdleHeartbeat: heartbeat,
	}
}

func (h *Head) streamConfig(info *protocol.JobInfo) jetstream.StreamConfig {
	size := h.cfg.Limits.UnnamedBytes
	if info.Name != "" {
		size = h.cfg.Limits.NamedBytes
	}
	c := jetstream.StreamConfig{
		Name: protocol.StreamName(info.Job), Subjects: protocol.StreamSubjects(info.Job),
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, MaxBytes: size, Duplicates: dedupWindow,
	}
	if h.cfg.NATS != nil {
		c.Replicas, c.Metadata = mostReplicas, map[string]string{clusterKey: h.settings.Cluster}
	}
	return c
}

const (
	mostReplicas = 3
	clusterKey   = "muster.cluster" // in the metadata of streams: whose they are
)

// What servers answer that can't make a stream as it is asked for.
const (
	errNoPeers       = jetstream.ErrorCode(10005)
	errNoCluster     = jetstream.ErrorCode(10074)
	errNoStorage     = jetstream.ErrorCode(10047)
	errFewResources  = jetstream.ErrorCode(10023)
	unlimited        = int64(-1)
	noStorageOnPeers = "insufficient storage"
)

// lessen asks for less of what the servers have refused: fewer replicas than there are servers, or no room that is kept
// for this stream alone, so that the account's limit bounds it. It reports whether that is worth a try.
func lessen(c *jetstream.StreamConfig, refused *jetstream.APIError) bool {
	code := refused.ErrorCode
	noRoom := code == errNoStorage || code == errFewResources || code == errNoPeers && strings.Contains(refused.Description, noStorageOnPeers)
	switch {
	case noRoom && c.MaxBytes > 0:
		c.MaxBytes = unlimited
	case code == errNoCluster && c.Replicas > 1:
		c.Replicas = 1
	case code == errNoPeers && c.Replicas > 1:
		c.Replicas--
	default:
		return false
	}
	return true
}

// openJournal makes a job's stream and its epoch's consumer, unless they are there, and removes the consumers of earlier
// epochs. A new consumer reads all from the start.
func (h *Head) openJournal(ctx context.Context, info *protocol.JobInfo) error {
	return h.patiently(ctx, func(ctx context.Context) error { return h.makeJournal(ctx, info) })
}

func (h *Head) makeJournal(ctx context.Context, info *protocol.JobInfo) error {
	stream, err := h.createStream(ctx, info)
	if err != nil {
		return fmt.Errorf("make the journal of job %s: %w", info.Job, err)
	}
	config := consumerConfig(info)
	if _, err := stream.CreateOrUpdatePushConsumer(ctx, config); err != nil {
		return fmt.Errorf("make the consumer of job %s: %w", info.Job, err)
	}
	if info.Epoch == 1 {
		return nil
	}
	names := stream.ConsumerNames(ctx)
	var former []string
	for name := range names.Name() {
		if name != config.Durable {
			former = append(former, name)
		}
	}
	err = names.Err()
	for _, name := range former {
		if gone := stream.DeleteConsumer(ctx, name); gone != nil && !errors.Is(gone, jetstream.ErrConsumerNotFound) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("remove the consumers of former drivers of job %s: %w", info.Job, err)
	}
	return nil
}

// createStream tries again what the server can't do at times: when it has removed the last stream that there was, it
// removes the folder of all of them too, a moment later, and may do so just when a new one is made in it.
func (h *Head) createStream(ctx context.Context, info *protocol.JobInfo) (jetstream.Stream, error) {
	config := h.streamConfig(info)
	for try := 1; ; try++ {
		stream, err := h.js.CreateOrUpdateStream(ctx, config)
		var refused *jetstream.APIError
		if err == nil || try == createTries || !errors.As(err, &refused) {
			return stream, err
		}
		if refused.ErrorCode != errNoStore && (h.cfg.NATS == nil || !lessen(&config, refused)) {
			return stream, err
		}
		h.log.Debug("make a journal again", "job", info.Job, "error", err)
	}
}

// mendJournals makes what a power cut has taken of the journals of jobs that go on: their drivers would wait for ever.
func (h *Head) mendJournals(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainJournals)
	defer cancel()
	for _, info := range h.jobs.list(func(info protocol.JobInfo) bool {
		return info.State == protocol.JobRunning || info.State == protocol.JobOrphaned
	}) {
		_, err := h.js.PushConsumer(ctx, protocol.StreamName(info.Job), protocol.ConsumerName(info.Job, info.Epoch))
		if err == nil {
			continue
		}
		h.log.Warn("the journal of a job isn't whole, after a power cut as a rule: what is missing is made anew",
			"job", info.Job, "error", err)
		if err := h.openJournal(ctx, &info); err != nil {
			return err
		}
	}
	return nil
}

// journalEnd is a journal's last sequence.
func (h *Head) journalEnd(ctx context.Context, job string) (last uint64, err error) {
	err = h.patiently(ctx, func(ctx context.Context) error {
		stream, err := h.js.Stream(ctx, protocol.StreamName(job))
		if err != nil {
			return fmt.Errorf("find the journal of job %s: %w", job, err)
		}
		last = stream.CachedInfo().State.LastSeq
		return nil
	})
	return last, err
}

// purgeJournal removes what a driver has read.
func (h *Head) purgeJournal(ctx context.Context, job string, read uint64) error {
	stream, err := h.js.Stream(ctx, protocol.StreamName(job))
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSequence(read+1))
	}
	if err != nil {
		return fmt.Errorf("trim the journal of job %s: %w", job, err)
	}
	return nil
}

func (h *Head) dropJournal(ctx context.Context, job string) error {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	err := h.js.DeleteStream(ctx, protocol.StreamName(job))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("remove the journal of job %s: %w", job, err)
	}
	return nil
}

// dropConsumer removes what reads a journal: whoever opens the job next gets a consumer of its own.
func (h *Head) dropConsumer(ctx context.Context, info *protocol.JobInfo) error {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	err := h.js.DeleteConsumer(ctx, protocol.StreamName(info.Job), protocol.ConsumerName(info.Job, info.Epoch))
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("remove the consumer of job %s: %w", info.Job, err)
	}
	return nil
}

// dropStrangers removes journals without a record, which a head that was killed left; not those of another cluster.
func (h *Head) dropStrangers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainJournals)
	defer cancel()
	streams := h.js.ListStreams(ctx)
	var strangers []string
	for info := range streams.Info() {
		id, ours := strings.CutPrefix(info.Config.Name, protocol.StreamName(""))
		if h.cfg.NATS != nil {
			ours = ours && info.Config.Metadata[clusterKey] == h.settings.Cluster
		}
		if _, ok := h.jobs.get(id); ours && !ok {
			strangers = append(strangers, id)
		}
	}
	err := streams.Err()
	for _, id := range strangers {
		err = errors.Join(err, h.dropJournal(ctx, id))
	}
	return err
}
