package metrics

import (
	"math"
	"strconv"
	"strings"
)

// ContentType is that of the text.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Text is what Prometheus reads, as its text format 0.0.4 has it. The zero value is empty. The series of a metric must be
// added one after the other. Not for concurrent use.
type Text struct {
	b    []byte
	last *Desc
}

// Add adds a series: its value, and if the metric has a label, that one's.
func (t *Text) Add(d *Desc, value float64, label ...string) {
	t.begin(d)
	t.line(d.Name, value, pairs(d, label)...)
}

// AddCounts adds a series for each key, in no certain order.
func (t *Text) AddCounts(d *Desc, counts map[string]uint64) {
	t.begin(d)
	for key, n := range counts {
		t.line(d.Name, float64(n), d.Label, key)
	}
}

// AddDurations adds a series of a histogram.
func (t *Text) AddDurations(d *Desc, h *Durations, label ...string) {
	t.begin(d)
	p, sum := pairs(d, label), uint64(0)
	for i := range h.counts {
		sum += h.counts[i].Load()
		le := math.Inf(1)
		if i < len(bounds) {
			le = bounds[i].Seconds()
		}
		t.line(d.Name+"_bucket", float64(sum), append(p, "le", number(le))...)
	}
	t.line(d.Name+"_sum", float64(h.sum.Load())/1e9, p...)
	t.line(d.Name+"_count", float64(sum), p...)
}

// Bytes is the text.
func (t *Text) Bytes() []byte { return t.b }

func (t *Text) begin(d *Desc) {
	if t.last == d {
		return
	}
	t.last = d
	t.b = append(t.b, "# HELP "+d.Name+" "+escape(d.Help, false)+"\n# TYPE "+d.Name+" "+string(d.Type)+"\n"...)
}

func (t *Text) line(name string, value float64, pairs ...string) {
	t.b = append(t.b, name...)
	for i := 0; i < len(pairs); i += 2 {
		t.b = append(t.b, "{,"[min(i, 1)])
		t.b = append(t.b, pairs[i]+`="`+escape(pairs[i+1], true)+`"`...)
	}
	if len(pairs) > 0 {
		t.b = append(t.b, '}')
	}
	t.b = append(t.b, " "+number(value)+"\n"...)
}

func pairs(d *Desc, label []string) []string {
	if d.Label == "" {
		return nil
	}
	return []string{d.Label, strings.Join(label, "")}
}

func number(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// escape makes a line of a text; the quotes in a label's value are escaped too.
func escape(s string, quoted bool) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "\n", `\n`)
	if quoted {
		s = strings.ReplaceAll(s, `"`, `\"`)
	}
	return s
}
