package progress

import (
	"fmt"
	"io"
)

// reporter writes a line for each function whose counts have changed.
type reporter struct {
	out  io.Writer
	last map[string]string
}

func (p *reporter) paint(rows []counts) {
	if p.last == nil {
		p.last = map[string]string{}
	}
	for _, c := range rows {
		still := c
		still.speed.rate = 0
		if s := still.describe(); s != p.last[c.name] {
			p.last[c.name] = s
			fmt.Fprintf(p.out, "muster: %s: %s\n", c.name, c.describe())
		}
	}
}

func (p *reporter) finish(rows []counts) { p.paint(rows) }
