//go:build unix

package agent

import (
	"bytes"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/protocol"
)

// A coordinator that wants to hear of outcomes early hears of a lone one at once, and it is in the journal too; of one that has
// more to it, or that doesn't come alone, it hears by the journal only.
func TestEarlyOutcome(t *testing.T) {
	c := startCluster(t)
	c.startAgent(nil)
	k := c.open("j1", nil)
	k.mu.Lock()
	k.early = true
	k.mu.Unlock()
	first, big := k.task("echo", "x"), k.task("big", "1000000")
	for _, task := range []protocol.Task{first, big} {
		k.give(task)
		k.outcome(task)
	}
	once := k.task("echo", "y")
	once.Flags |= protocol.Once
	k.give(once)
	k.outcome(once)
	last := k.task("echo", "z")
	k.give(last)
	k.outcome(last)
	k.until("two outcomes are told early", func() bool { return len(k.told) >= 2 })
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, task := range []protocol.Task{first, last} {
		o := &k.told[i]
		if o.Node != "n1" || o.Epoch != 1 || len(o.List) != 1 || o.List[0].ID != task.ID || o.List[0].Key != task.Key ||
			!bytes.Equal(o.List[0].Value.Data, k.outcomes[attemptOf(&task)][0].Value.Data) {
			t.Errorf("it is told %+v", o)
		}
	}
	if len(k.told) != 2 || k.ended != 4 {
		t.Errorf("%d outcomes are told early, and %d recorded", len(k.told), k.ended)
	}
}

func bareJournal() *journal {
	j := &journal{node: "n1", limit: 1 << 20, log: slog.New(slog.DiscardHandler), outbox: &atomic.Int64{}, flying: map[uint64]*flight{}}
	j.more.L = &j.mu
	return j
}

func (j *journal) isReady() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ready()
}

func told(id uint64) *protocol.Outcome {
	return &protocol.Outcome{ID: id, Attempt: 1, Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline}}
}

// What was told early is appended a little later, all of it in one message.
func TestToldIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bareJournal()
		defer j.close()
		for id := range uint64(mostEarly) {
			if !j.mayTell() {
				t.Fatalf("outcome %d isn't told", id)
			}
			j.add(1, told(id), true)
		}
		if j.isReady() {
			t.Fatal("it is appended at once")
		}
		if j.mayTell() {
			t.Error("without an end, outcomes are told one by one")
		}
		sent := make(chan []byte)
		go func() {
			data, _, _ := j.next()
			sent <- data
		}()
		begun := time.Now()
		o, err := protocol.ReadOutcomes(<-sent)
		if err != nil || len(o.List) != mostEarly || time.Since(begun) != earlyFor {
			t.Errorf("%d outcomes are appended after %v, %v", len(o.List), time.Since(begun), err)
		}
		if !j.mayTell() {
			t.Error("nothing is told while the stream hasn't confirmed one message")
		}
	})
}

// An outcome is appended too that is added just after those that were told before it have gone out.
func TestToldAfterTheEndIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bareJournal()
		defer j.close()
		for id := range uint64(2) {
			if !j.mayTell() {
				t.Fatalf("outcome %d isn't told", id)
			}
			if id == 1 {
				<-time.After(earlyFor)
				synctest.Wait()
				if _, _, ok := j.first(); !ok {
					t.Fatal("the first isn't appended")
				}
			}
			j.add(1, told(id), true)
		}
		<-time.After(earlyFor)
		synctest.Wait()
		if !j.isReady() {
			t.Error("the second is never appended")
		}
	})
}

// An outcome that wasn't told is appended at once, with those before it, and ends what is told meanwhile.
func TestUntoldIsAppendedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bareJournal()
		defer j.close()
		j.mayTell()
		j.add(1, told(1), true)
		j.add(1, told(2), false)
		if j.mayTell() {
			t.Error("an outcome would be told though another before it wasn't")
		}
		data, _, ok := j.first()
		if o, err := protocol.ReadOutcomes(data); !ok || err != nil || len(o.List) != 2 {
			t.Errorf("%+v is appended, %v", o, err)
		}
		j.mayTell()
		j.add(1, told(3), true)
		if j.tell([]byte("x")) { // there is no connection
			t.Error("it counts as told")
		}
		if !j.isReady() {
			t.Error("an outcome that couldn't be told waits")
		}
	})
}

// While the stream doesn't keep up, or refuses, nothing is told early: what is told is to be appended soon.
func TestNothingIsToldInTrouble(t *testing.T) {
	for name, trouble := range map[string]func(j *journal){
		"the stream refuses":     func(j *journal) { j.resting = true },
		"two are on their way":   func(j *journal) { j.flying[1], j.flying[2] = &flight{}, &flight{} },
		"a whole message waits":  func(j *journal) { j.cut = [][]byte{{1}} },
		"the journal is closed":  func(j *journal) { j.close() },
		"one that isn't told is": func(j *journal) { j.add(1, told(1), false) },
	} {
		j := bareJournal()
		trouble(j)
		if j.mayTell() {
			t.Errorf("%s, and an outcome is told", name)
		}
		j.close()
	}
}
