package head

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// counters are what the head counts from its start on, for its metrics.
type counters struct {
	mu       sync.Mutex
	requests map[string]*metrics.Durations // by operation
	refused  map[string]uint64             // by code
	events   map[string]uint64             // by kind
	tasks    map[string]uint64             // by outcome
}

// unknownOperation stands for all operations that aren't there, since anybody may make names up.
const unknownOperation = "unknown"

// request counts a request and its end.
func (c *counters) request(op string, took time.Duration, err error) {
	if _, ok := operations[op]; !ok {
		op = unknownOperation
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests == nil {
		c.requests, c.refused = map[string]*metrics.Durations{}, map[string]uint64{}
	}
	d := c.requests[op]
	if d == nil {
		d = &metrics.Durations{}
		c.requests[op] = d
	}
	d.Observe(took)
	if err == nil {
		return
	}
	code := protocol.CodeInternal
	if r := (*protocol.Refusal)(nil); errors.As(err, &r) {
		code = r.Code
	}
	c.refused[code]++
}

func (c *counters) event(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		c.events = map[string]uint64{}
	}
	c.events[kind]++
}

// ended counts the tasks by which a driver's report is ahead of its last one. What it says is a claim: numbers that go
// down count for nothing.
func (c *counters) ended(last, now *protocol.RenewJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tasks == nil {
		c.tasks = map[string]uint64{}
	}
	if now.Done > last.Done {
		c.tasks["done"] += now.Done - last.Done
	}
	if now.Failed > last.Failed {
		c.tasks["failed"] += now.Failed - last.Failed
	}
}

// add adds what was counted to a text.
func (c *counters) add(t *metrics.Text) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tasks := map[string]uint64{"done": 0, "failed": 0}
	maps.Copy(tasks, c.tasks)
	t.AddCounts(metrics.HeadTasks, tasks)
	for op, d := range c.requests {
		t.AddDurations(metrics.HeadRequests, d, op)
	}
	t.AddCounts(metrics.HeadRefused, c.refused)
	t.AddCounts(metrics.HeadEvents, c.events)
}
