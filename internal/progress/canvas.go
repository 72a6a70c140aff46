package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// canvas draws bars with mpb, which is told when to draw a frame.
type canvas struct {
	screen *screen
	all    *mpb.Progress
	frame  chan any
	gone   chan any // closed when mpb has ended, be it because the terminal went away
	rows   []*row
}

// row is what one bar shows; mpb's goroutines read it.
type row struct {
	mu    sync.Mutex
	now   counts
	width int // of the names
	bar   *mpb.Bar
}

const barWidth = 22

func newCanvas(s *screen) *canvas {
	c := &canvas{screen: s, frame: make(chan any), gone: make(chan any)}
	c.all = mpb.New(mpb.WithConsoleWriter(c.screen), mpb.WithManualRefresh(c.frame), mpb.WithShutdownNotifier(c.gone))
	return c
}

// paint draws a frame, and returns when it is on the terminal.
func (c *canvas) paint(counted []counts) {
	w := widest(counted)
	for i, now := range counted {
		if i == len(c.rows) {
			c.rows = append(c.rows, c.addRow())
		}
		c.rows[i].set(now, w)
	}
	select {
	case c.frame <- time.Now():
	case <-c.gone:
		return
	}
	select {
	case <-c.screen.drawn:
	case <-c.gone:
	}
}

func (c *canvas) addRow() *row {
	r := &row{}
	fill := mpb.BarStyle().Build()
	r.bar, _ = c.all.Add(0, mpb.BarFillerFunc(func(w io.Writer, st decor.Statistics) error {
		total, ended := r.extent()
		if total == 0 {
			return nil
		}
		st.Total, st.Current, st.Completed = int64(total), int64(ended), ended == total
		return fill.Fill(w, st)
	}),
		mpb.BarWidth(barWidth),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return r.title() })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return r.text() })),
	)
	return r
}

func (r *row) set(now counts, width int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.width = now, width
}

func (r *row) extent() (total, ended int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now.total(), r.now.ended()
}

func (r *row) title() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%-*s ", r.width, clip(r.now.name, maxName))
}

func (r *row) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return " " + r.now.describe()
}

// finish leaves the last state standing above what is written next.
func (c *canvas) finish(counted []counts) {
	if len(c.rows) > 0 {
		c.paint(counted)
	}
	for _, r := range c.rows {
		if r.bar != nil {
			r.bar.Abort(false)
		}
	}
	c.all.Wait()
	c.screen.leave()
}
