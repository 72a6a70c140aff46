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
	maxUnread     = 100_000         // messages that a driver has and hasn't acknowledged
	maxPulls      = 64
	maxPushed     = 256              // the same for messages that come unasked, so that they don't flood the driver
	dedupWindow   = time.Second      // Msg-Ids aren't used: outcomes are told apart by key
	drainJournals = 30 * time.Second // to find those that are nobody's, at start
)

// pushJournals makes the server deliver a job's journal to the one subject that the head chooses, instead of wherever a
// pull asks for it. The server doesn't check that: a key that may pull can have what it has written into its own journal
// delivered to whoever listens on any subject, and kept in any other job's journal (TestForeignPull). The message's
// subject then still says where it was written, so receivers are safe that look at it; another's journal can be filled
// all the same. It stays off until carriers read so.
const pushJournals = false

func consumerConfig(job string) jetstream.ConsumerConfig {
	c := jetstream.ConsumerConfig{
		Durable: protocol.ConsumerName(job), DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckAllPolicy,
		AckWait: redeliver, MaxAckPending: maxUnread, MaxWaiting: maxPulls,
	}
	if pushJournals {
		c.DeliverSubject, c.MaxAckPending, c.MaxWaiting = protocol.JournalSubject(job), maxPushed, 0
	}
	return c
}

func (h *Head) streamConfig(info protocol.JobInfo) jetstream.StreamConfig {
	size := h.cfg.Limits.UnnamedBytes
	if info.Name != "" {
		size = h.cfg.Limits.NamedBytes
	}
	return jetstream.StreamConfig{
		Name: protocol.StreamName(info.Job), Subjects: protocol.StreamSubjects(info.Job),
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, MaxBytes: size, Duplicates: dedupWindow,
	}
}

// openJournal makes a job's stream if it isn't there, and its consumer anew, so that a driver reads all from the start.
func (h *Head) openJournal(ctx context.Context, info protocol.JobInfo) error {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	stream, err := h.js.CreateOrUpdateStream(ctx, h.streamConfig(info))
	if err != nil {
		return fmt.Errorf("make the journal of job %s: %w", info.Job, err)
	}
	name := protocol.ConsumerName(info.Job)
	if err := stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("renew the consumer of job %s: %w", info.Job, err)
	}
	if pushJournals {
		_, err = stream.CreatePushConsumer(ctx, consumerConfig(info.Job))
	} else {
		_, err = stream.CreateConsumer(ctx, consumerConfig(info.Job))
	}
	if err != nil {
		return fmt.Errorf("make the consumer of job %s: %w", info.Job, err)
	}
	return nil
}

// journalEnd is a journal's last sequence.
func (h *Head) journalEnd(ctx context.Context, job string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	stream, err := h.js.Stream(ctx, protocol.StreamName(job))
	if err != nil {
		return 0, fmt.Errorf("find the journal of job %s: %w", job, err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// purgeJournal removes what a driver has read.
func (h *Head) purgeJournal(ctx context.Context, job string, read uint64) error {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
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

// dropStrangers removes journals without a record, which a head that was killed left.
func (h *Head) dropStrangers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainJournals)
	defer cancel()
	names := h.js.StreamNames(ctx)
	var strangers []string
	for name := range names.Name() {
		id, ours := strings.CutPrefix(name, protocol.StreamName(""))
		if _, ok := h.jobs.get(id); ours && !ok {
			strangers = append(strangers, id)
		}
	}
	err := names.Err()
	for _, id := range strangers {
		err = errors.Join(err, h.dropJournal(ctx, id))
	}
	return err
}
