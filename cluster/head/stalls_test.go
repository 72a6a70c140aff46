package head

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// While JetStream is away jobs are renewed and end as ever; what they leave goes once it is back, and a job that is opened
// meanwhile is open then.
func TestJetStreamAway(t *testing.T) {
	if raceDetector {
		t.Skip("the NATS server itself has a race when JetStream is enabled again while somebody asks it")
	}
	t.Parallel()
	s := startServer(t, &lines{}, nil)
	c := startLogging(t, Config{NATS: s.external(), KeepOrphan: 50 * time.Millisecond}, s.log)
	u := c.join(join.RoleUser, "ann")
	ends, endsJ := c.open(u, "")
	goes, goesJ := c.open(u, "")
	if err := s.DisableJetStream(); err != nil {
		t.Fatal(err)
	}
	endsJ.ask(protocol.OpCloseJob, protocol.CloseJob{Job: ends.Job, Epoch: 1}, nil)
	goesJ.ask(protocol.OpRenewJob, protocol.RenewJob{Job: goes.Job, Epoch: 1, Read: 1}, nil)
	if j, ok := c.jobs.get(goes.Job); !ok || j.purged != 0 {
		t.Errorf("the journal counts as trimmed: %+v", j)
	}
	in, _ := opening(t, "nightly")
	opened := make(chan error, 1)
	go func() {
		err := u.Ask(t.Context(), protocol.OpOpenJob, in, nil)
		for range 3 { // it is asked again, as drivers do
			if err == nil {
				break
			}
			err = u.Ask(t.Context(), protocol.OpOpenJob, in, nil)
		}
		opened <- err
	}()
	c.log.await(t, "JetStream of the NATS servers doesn't answer")
	if err := s.EnableJetStream(&server.JetStreamConfig{
		StoreDir: s.StoreDir(), MaxMemory: maxMemory, MaxStore: maxStore,
	}); err != nil {
		t.Fatal(err)
	}
	if err := await(t, opened, func(error) bool { return true }); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		_, err := c.js.Stream(ctx, protocol.StreamName(ends.Job))
		if _, there := c.jobs.get(ends.Job); errors.Is(err, jetstream.ErrStreamNotFound) && !there {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("the journal of a job that has ended is still there: %v", err)
		}
	}
}

func TestIsAway(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("x: %w", context.DeadlineExceeded): true, nats.ErrNoResponders: true, jetstream.ErrJetStreamNotEnabled: true,
		&jetstream.APIError{Code: 503, ErrorCode: errAway}: true,
		&jetstream.APIError{Code: 400, ErrorCode: 10052}:   false, jetstream.ErrStreamNotFound: false, context.Canceled: false,
		errors.New("another"): false,
	} {
		if isAway(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}
