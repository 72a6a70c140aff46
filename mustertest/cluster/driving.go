package cluster

import (
	"path/filepath"
	"time"
)

// Driving is a driver that runs in a process of its own.
type Driving struct {
	*process
	c *Procs
}

// Run starts a driver. A job with a name is resumed when a driver of that name is run again.
func (c *Procs) Run(p *Program, job string, args ...string) *Driving {
	c.t.Helper()
	s := &stage{
		Role: roleDriver, Name: p.name, Identity: c.user, Job: job, Cache: filepath.Join(c.dir, "cache"), Args: args,
	}
	started, err := startProcess(c.dir, "driver", s)
	c.must(err)
	d := &Driving{started, c}
	c.drivers = append(c.drivers, d)
	return d
}

// Next is the next line that the driver prints on standard output. It fails the test if the driver has ended, or says
// nothing for so long.
func (d *Driving) Next(within time.Duration) string {
	d.c.t.Helper()
	line, err := d.next(within)
	d.c.must(err)
	return line
}

// Kill kills the driver. Lines that it has printed are lost.
func (d *Driving) Kill() { d.kill() }

// Wait waits for the driver's end, and fails the test if that isn't a good one, or doesn't come.
func (d *Driving) Wait(within time.Duration) {
	d.c.t.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-d.ended:
		if d.err != nil {
			d.c.t.Fatalf("cluster: the driver: %v: %s", d.err, d.lastWords())
		}
	case <-limit.C:
		d.c.t.Fatalf("cluster: the driver hasn't ended within %v: %s", within, d.lastWords())
	}
}
