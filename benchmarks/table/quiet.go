package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// mostOthers is the share of the cores above which other processes spoil a sample.
const mostOthers = 0.04

// patience repeats samples that other processes spoiled, until its time is used up.
type patience struct {
	left    time.Duration
	pause   time.Duration // before a sample is taken again
	load    func() load
	spoiled int // samples that were kept all the same
	taken   int
}

// sample takes one until it is clean.
func (p *patience) sample(take func() error) error {
	for {
		before, start := p.load(), time.Now()
		if err := take(); err != nil {
			return err
		}
		if p.load().others(before) <= mostOthers {
			break
		}
		if p.left -= time.Since(start) + p.pause; p.left <= 0 {
			p.spoiled++
			break
		}
		time.Sleep(p.pause)
	}
	p.taken++
	return nil
}

// load is the time that the machine's cores have spent, in ticks of a hundredth of a second.
type load struct{ all, busy, own float64 }

// others is the share of the cores that other processes, or other virtual machines, had since an earlier load.
func (l load) others(before load) float64 {
	all := l.all - before.all
	if all <= 0 {
		return 0
	}
	return (l.busy - before.busy - (l.own - before.own)) / all
}

// procLoad reads the load from Linux's /proc; elsewhere it is always zero, so that every sample counts as clean.
func procLoad() load {
	var l load
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return load{}
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, n := range numbers(strings.Fields(line)) { // cpu user nice system idle iowait irq softirq steal guest ...
		if i < 1 || i > 8 {
			continue // guest time is part of user time
		}
		l.all += n
		if i != 4 && i != 5 {
			l.busy += n
		}
	}
	self, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return load{}
	}
	_, rest, _ := strings.Cut(string(self), ") ") // the name before it may hold spaces
	if own := numbers(strings.Fields(rest)); len(own) > 12 {
		l.own = own[11] + own[12] // user and system time
	}
	return l
}

// numbers parses fields; what is no number is 0.
func numbers(fields []string) []float64 {
	ns := make([]float64, len(fields))
	for i, f := range fields {
		ns[i], _ = strconv.ParseFloat(f, 64)
	}
	return ns
}
