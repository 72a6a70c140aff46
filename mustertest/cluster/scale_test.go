//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// What a head on one machine is to bear.
const (
	manyAgents  = 200
	manyDrivers = 50
	manyTasks   = 50_000 // of each driver
)

var noop = muster.Func("cluster.noop", func(_ context.Context, i int) (int, error) { return i, nil })

// BenchmarkMany has a head, 200 agents and 50 drivers in this process, with their workers, each with its own connection:
// how long all agents take to join, how much of a core all of it takes when there is nothing to do, how many no-op tasks a
// second the drivers get done together, and what processor time a task takes: beside the same drivers with two agents, and
// beside one driver with two, which shares them with nobody.
func BenchmarkMany(b *testing.B) {
	if os.Getenv("MUSTER_TEST_MANY") == "" {
		b.Skip("it takes a minute: set MUSTER_TEST_MANY=1")
	}
	for b.Loop() {
		alone, few := fewAgents(b, 1), fewAgents(b, manyDrivers)
		c := lightCluster(b)
		began := time.Now()
		c.joinMany(manyAgents)
		c.awaitNodes(manyAgents)
		b.ReportMetric(time.Since(began).Seconds(), "s-to-join")
		drivers := c.drivers(manyDrivers)
		<-time.After(30 * time.Second) // new offers are made again a few times
		began, before := time.Now(), processTime(b)
		<-time.After(20 * time.Second) // what is measured is that nothing happens
		b.ReportMetric(float64(processTime(b)-before)/float64(time.Since(began)), "cores-idle")
		many := c.rate(drivers, manyTasks)
		b.ReportMetric(many.tasks, "tasks/s")
		b.ReportMetric(many.tasks/few.tasks, "of-two-agents")
		b.ReportMetric(many.tasks/alone.tasks, "of-one-driver")
		b.ReportMetric(many.cpu*1e6, "cpu-us/task")
		b.ReportMetric(few.cpu*1e6, "cpu-us/task-of-two-agents")
	}
}

// A small form of it, in which only the results count.
func TestManyLight(t *testing.T) {
	c := lightCluster(t)
	c.joinMany(20)
	c.awaitNodes(20)
	c.rate(c.drivers(5), 1_000)
}

// pace is how many tasks a second get done, and the processor time that one takes, in seconds.
type pace struct{ tasks, cpu float64 }

// fewAgents is how fast so many drivers get tasks done with two agents.
func fewAgents(b *testing.B, drivers int) pace {
	c := lightCluster(b)
	defer c.stop()
	c.joinMany(2)
	c.awaitNodes(2)
	list := make([]context.Context, drivers)
	for i := range list {
		s, ctx, err := muster.Open(b.Context(), c.Config())
		if err != nil {
			b.Fatal(err)
		}
		list[i] = ctx
		defer func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		}()
	}
	return c.rate(list, manyDrivers*manyTasks/drivers)
}

// drivers opens so many sessions, which end with the test.
func (c *Cluster) drivers(n int) []context.Context {
	list := make([]context.Context, n)
	for i := range list {
		list[i] = c.Context()
	}
	return list
}

// rate is how fast the drivers get no-op tasks done, so many each.
func (c *Cluster) rate(drivers []context.Context, each int) pace {
	c.t.Helper()
	run := func(n int) time.Duration {
		began := time.Now()
		c.atOnce(len(drivers), len(drivers), func(i int) error { return noops(drivers[i], n) })
		return time.Since(began)
	}
	run(each / 10) // workers are started
	before, all := processTime(c.t), float64(each*len(drivers))
	took := run(each)
	return pace{all / took.Seconds(), (processTime(c.t) - before).Seconds() / all}
}

func noops(ctx context.Context, n int) error {
	refs := make([]muster.Ref[int], n)
	for i := range refs {
		refs[i] = noop.Go(ctx, i)
	}
	for i, r := range refs {
		if got, err := r.Get(ctx); err != nil || got != i {
			return fmt.Errorf("task %d gave %d, %w", i, got, err)
		}
	}
	return nil
}

// lightCluster is a head whose agents, of 1 CPU, will have their workers in this process.
func lightCluster(t testing.TB) *Cluster {
	t.Helper()
	ages := protocol.Ages{Renew: 5 * time.Second, Dead: 15 * time.Second, Ask: 3 * time.Second} // as usual
	c := &Cluster{t: t, dir: t.TempDir(), ages: ages, cpus: 1, serve: engine.Doors.Serve}
	c.start()
	return c
}

func (c *Cluster) joinMany(n int) {
	c.t.Helper()
	c.nodes = make([]*node, n)
	c.atOnce(n, 16, func(i int) error {
		joined, err := c.enroll(fmt.Sprintf("node%d", i+1))
		if err != nil {
			return err
		}
		c.nodes[i] = joined
		return c.startAgent(joined)
	})
}

// atOnce calls do for 0 to n-1, of which so many at once, and fails the test with an error.
func (c *Cluster) atOnce(n, limit int, do func(i int) error) {
	c.t.Helper()
	var all sync.WaitGroup
	places, errs := make(chan struct{}, limit), make([]error, n)
	for i := range n {
		all.Go(func() {
			places <- struct{}{}
			errs[i] = do(i)
			<-places
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		c.t.Fatal(err)
	}
}

// awaitNodes waits until the head counts so many that live.
func (c *Cluster) awaitNodes(n int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	id := c.head.Admin()
	conn, err := join.Connect(ctx, id, join.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	control := join.Control{Conn: conn, Who: id.Name}
	for {
		var nodes []protocol.NodeInfo
		if err := control.Ask(ctx, protocol.OpListNodes, nil, &nodes); err != nil {
			c.t.Fatal(err)
		}
		if len(nodes) == n {
			return
		}
	}
}

func processTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
