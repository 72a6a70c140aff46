package progress

import (
	"os"
	"sync"
	"time"

	"github.com/musterrun/muster/event"
)

// Display shows progress until it is closed. Its methods may be called by any number of goroutines.
type Display struct {
	style style
	out   *os.File

	mu    sync.Mutex
	tally tally
	over  bool

	quit, done chan struct{}
}

// quiet is how long a program may run without showing anything; frames and reports are the pauses of bars and lines.
const (
	quiet   = 300 * time.Millisecond
	frames  = 100 * time.Millisecond
	reports = 5 * time.Second
)

// New starts a display on out, which is standard error. It must be closed.
func New(mode Mode, out *os.File) *Display { return start(styleOf(mode, out), out) }

func start(st style, out *os.File) *Display {
	d := &Display{style: st, out: out, quit: make(chan struct{}), done: make(chan struct{})}
	if st == nothing {
		close(d.done)
		return d
	}
	go d.run()
	return d
}

// Mask is the set of events to pass to Observe: none if nothing is shown.
func (d *Display) Mask() event.Mask {
	if d.style == nothing {
		return 0
	}
	return mask
}

// Observe counts one event.
func (d *Display) Observe(e event.Event) {
	d.mu.Lock()
	d.tally.count(e)
	d.mu.Unlock()
}

// Close shows the last state, if anything was shown, and ends the display. A second call waits for the first.
func (d *Display) Close() {
	d.mu.Lock()
	if !d.over {
		d.over = true
		close(d.quit)
	}
	d.mu.Unlock()
	<-d.done
}

// run draws until Close.
func (d *Display) run() {
	defer close(d.done)
	select {
	case <-time.After(quiet):
	case <-d.quit:
		return
	}
	pause, p := reports, painter(&reporter{out: d.out})
	if d.style == bars {
		pause, p = frames, newCanvas(newScreen(d.out, sizeOf(d.out)))
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.paint(d.rows())
		case <-d.quit:
			p.finish(d.rows())
			return
		}
	}
}

// rows are the counts of now.
func (d *Display) rows() []counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tally.measure(time.Now())
	return d.tally.shown()
}

// painter draws rows.
type painter interface {
	paint([]counts)
	finish([]counts)
}
