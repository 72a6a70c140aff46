package progress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestModes(t *testing.T) {
	for s, want := range map[string]Mode{"": Auto, "off": Off, "on": On, "plain": Plain} {
		if m, err := ParseMode(s); m != want || err != nil {
			t.Errorf("%q: %v, %v", s, m, err)
		}
	}
	if _, err := ParseMode("yes"); err == nil || err.Error() != `muster: MUSTER_PROGRESS is "yes": it takes off, on or plain` {
		t.Error(err)
	}
	for _, c := range []struct {
		mode Mode
		able bool
		want style
	}{
		{Auto, true, bars}, {Auto, false, nothing}, {Off, true, nothing}, {On, true, bars}, {On, false, lines},
		{Plain, true, lines}, {Plain, false, lines},
	} {
		if got := styleFor(c.mode, c.able); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if !able(true, "xterm", "linux") || able(false, "xterm", "linux") || able(true, "dumb", "linux") || able(true, "", "windows") {
		t.Error("able")
	}
}

// feed counts events of the function f, all at one moment.
func feed(ta *tally, events ...event.Event) {
	for _, e := range events {
		if e.Func == "" {
			e.Func = "f"
		}
		if e.Item == 0 {
			e.Item = -1
		}
		ta.count(e)
	}
}

func ev(k event.Kind, took time.Duration) event.Event {
	return event.Event{Kind: k, Task: 1, Took: took}
}

func TestTally(t *testing.T) {
	sub, run := ev(event.TaskSubmitted, 0), ev(event.TaskStarted, 0)
	for _, c := range []struct {
		name   string
		events []event.Event
		want   string
	}{
		{"waits", []event.Event{sub, sub}, "0 done, 2 waiting"},
		{"runs", []event.Event{sub, sub, run}, "0 done, 1 running, 1 waiting"},
		{"done", []event.Event{sub, run, ev(event.TaskDone, 1)}, "1 done"},
		{"failed", []event.Event{sub, run, ev(event.TaskFailed, 1)}, "0 done, 1 failed"},
		{"its dependency failed", []event.Event{sub, ev(event.TaskFailed, 0)}, "0 done, 1 failed"},
		{"retried", []event.Event{sub, run, ev(event.TaskRetrying, 1)}, "0 done, 1 waiting"},
		{"lost with its node", []event.Event{sub, run, ev(event.TaskLost, 0)}, "0 done, 1 waiting"},
		{"lost, and run again", []event.Event{sub, run, ev(event.TaskLost, 0), run, ev(event.TaskDone, 1)}, "1 done"},
		{"items of a Map are lost", []event.Event{sub, {Kind: event.TaskLost}}, "0 done, 1 waiting"},
		{"cancelled in its pause", []event.Event{sub, run, ev(event.TaskRetrying, 1), ev(event.TaskCanceled, 0)}, "0 done, 1 canceled"},
		{"cancelled while it ran", []event.Event{sub, run, ev(event.TaskCanceled, 5)}, "0 done, 1 canceled"},
		{"refused", []event.Event{{Kind: event.TaskUnfit}}, "0 done, 1 failed"},
		{"a Map's chunks", []event.Event{{Kind: event.TaskDone, Items: 100, Took: 1}, {Kind: event.TaskFailed, Item: 7, Task: 3, Took: 0}, {Kind: event.TaskCanceled, Items: 20}}, "100 done, 1 failed, 20 canceled"},
	} {
		var ta tally
		feed(&ta, c.events...)
		if got := ta.rows[0].describe(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestManyFunctionsShareARow(t *testing.T) {
	for n, want := range map[int]int{1: 1, 10: 10, 11: 10, 30: 10} {
		var ta tally
		for i := range n {
			feed(&ta, event.Event{Kind: event.TaskSubmitted, Func: string(rune('a' + i)), Task: 1})
		}
		rows := ta.shown()
		sum := 0
		for _, r := range rows {
			sum += r.waiting
		}
		if len(rows) != want || sum != n {
			t.Error(n, len(rows), sum)
		}
		if n > 10 && rows[9].name != "others" {
			t.Error(rows[9].name)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		c    counts
		want string
	}{
		{counts{submitted: 3000, done: 1234, waiting: 1760, running: 4, failed: 2, speed: meter{rate: 340}}, "1,234 done, 4 running, 1,760 waiting, 2 failed, 340/s, 5.2s left"},
		{counts{submitted: 10, done: 10, speed: meter{rate: 340}}, "10 done"},
		{counts{submitted: 10, done: 1, waiting: 9, speed: meter{rate: 0.5}}, "1 done, 9 waiting, 30.0/min, 18s left"},
		{counts{submitted: 1_000_000, done: 1, waiting: 999_999, speed: meter{rate: 5}}, "1 done, 999,999 waiting, 5.0/s, 55h33m0s left"},
		{counts{items: 1_234_567, done: 1_234_567, speed: meter{rate: 12345.6}}, "1,234,567 done, 12,346/s"},
	} {
		if got := c.c.describe(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if got := clip("a.very.long.name.of.a.function", 10); got != "a.very.lo…" {
		t.Error(got)
	}
}

func TestMeterFollowsTheSpeed(t *testing.T) {
	var m meter
	for i := 1; i <= 100; i++ {
		m.update(time.Duration(i)*100*time.Millisecond, i*10)
	}
	if m.rate < 99 || m.rate > 101 {
		t.Error(m.rate)
	}
	for i := 101; i <= 400; i++ {
		m.update(time.Duration(i)*100*time.Millisecond, 1000)
	}
	if m.rate > 1 {
		t.Error("it must fall when nothing ends:", m.rate)
	}
}

// A Map tells of its items when they have ended: two at a time each half a second are 4/s from the first frame on.
func TestSpeedCountsFromWhenItemsBegan(t *testing.T) {
	var tl tally
	start := time.Unix(1000, 0)
	for half := 1; half <= 20; half++ {
		at := start.Add(time.Duration(half) * 500 * time.Millisecond)
		for range 2 {
			tl.count(event.Event{Kind: event.TaskDone, Func: "f", Items: 1, Time: at, Took: 500 * time.Millisecond})
		}
		tl.measure(at.Add(10 * time.Millisecond))
		if rate := tl.rows[0].speed.rate; rate < 3.5 || rate > 4.5 {
			t.Errorf("%.1f/s after %d halves of a second", rate, half)
		}
	}
}

func file(t *testing.T) (*os.File, func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, func() string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

func TestShortProgramsShowNothing(t *testing.T) {
	for _, st := range []style{nothing, lines, bars} {
		out, text := file(t)
		d := start(st, out)
		d.Observe(event.Event{Kind: event.TaskSubmitted, Func: "f", Task: 1, Item: -1})
		d.Close()
		d.Close()
		d.Observe(event.Event{Kind: event.TaskDone, Func: "f", Task: 1, Item: -1})
		if text() != "" {
			t.Errorf("%v: %q", st, text())
		}
		if (d.Mask() == 0) != (st == nothing) {
			t.Error(d.Mask())
		}
	}
}

func TestLinesComeWhenSomethingChanges(t *testing.T) {
	out, text := file(t)
	synctest.Test(t, func(t *testing.T) {
		d := start(lines, out)
		see := func(k event.Kind) {
			d.Observe(event.Event{Kind: k, Func: "f", Task: 1, Item: -1, Took: 1, Time: time.Now()})
		}
		see(event.TaskSubmitted)
		see(event.TaskSubmitted)
		see(event.TaskStarted)
		<-time.After(quiet + 3*reports + time.Second) // the clock is the bubble's
		see(event.TaskDone)
		<-time.After(2 * reports)
		d.Close()
	})
	want := "muster: f: 0 done, 1 running, 1 waiting\nmuster: f: 1 done, 1 waiting, "
	if got := text(); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 2 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

func BenchmarkObserve(b *testing.B) {
	d := start(nothing, nil)
	e := event.Event{Kind: event.TaskSubmitted, Func: "f", Task: 1, Item: -1}
	b.ReportAllocs()
	for b.Loop() {
		d.Observe(e)
	}
}
