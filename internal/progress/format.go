package progress

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// describe is a row without its name: `1,234 done, 4 running, 3,000 waiting, 2 failed, 340/s, 9s left`.
func (c *counts) describe() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, thousands(n)+" "+what)
		}
	}
	parts = append(parts, thousands(c.done)+" done")
	add(c.running, "running")
	add(c.waiting, "waiting")
	add(c.failed, "failed")
	add(c.canceled, "canceled")
	if c.speed.rate > 0 && (c.total() == 0 || c.ended() < c.total()) {
		parts = append(parts, speed(c.speed.rate))
	}
	if left, ok := c.left(); ok {
		parts = append(parts, round(left).String()+" left")
	}
	return strings.Join(parts, ", ")
}

// left is how long the tasks that are known will take at the present speed.
func (c *counts) left() (time.Duration, bool) {
	n := c.total() - c.ended()
	if n <= 0 || c.speed.rate <= 0 {
		return 0, false
	}
	s := float64(n) / c.speed.rate
	if s > (1000 * time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(s * float64(time.Second)), true
}

// round leaves as much of a duration as a guess is worth.
func round(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Second:
		return d.Round(time.Second / 10)
	case d < time.Hour:
		return d.Round(time.Second)
	default:
		return d.Round(time.Minute)
	}
}

// speed is a rate per second, or per minute when it is slow.
func speed(rate float64) string {
	switch {
	case rate >= 10:
		return thousands(int(rate+0.5)) + "/s"
	case rate >= 1:
		return fmt.Sprintf("%.1f/s", rate)
	default:
		return fmt.Sprintf("%.1f/min", rate*60)
	}
}

// thousands is n with a comma at each third digit.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// widest is the width of the longest name, up to a bound.
func widest(rows []counts) int {
	w := 0
	for _, c := range rows {
		w = max(w, len([]rune(c.name)))
	}
	return min(w, maxName)
}

const maxName = 24

// clip is a name of at most n runes.
func clip(name string, n int) string {
	r := []rune(name)
	if len(r) <= n {
		return name
	}
	return string(r[:n-1]) + "…"
}
