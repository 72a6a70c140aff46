package sim

import "time"

// Faults are how often things go wrong. The counts are for each minute of virtual time, spread at random; what ends
// comes back.
type Faults struct {
	Nodes   float64       // part of the nodes that die
	Workers float64       // workers that crash
	Drivers float64       // drivers that are killed, and started again
	Heads   float64       // times that the head is killed
	Cuts    float64       // agents and drivers that are cut off
	Apart   float64       // times that one of three servers is cut off from the others
	Drains  float64       // nodes that are drained
	Away    time.Duration // how long a head or a cut takes, at most
	LoseAck float64       // part of the confirmations of the journal that get lost after the record is stored
	Lose    float64       // part of the messages that get lost
	Double  float64       // that come twice
	Late    float64       // that take up to half a second
	Slow    float64       // part of the nodes on which all takes up to three times as long
	Until   time.Duration // no new fault after that
}

// inject does what goes wrong, each at a random time again and again.
func (s *sim) inject() {
	f := s.faults
	s.often(f.Nodes*float64(s.cfg.Nodes), func() {
		if a := s.agents[s.rng.IntN(len(s.agents))]; !a.life.over {
			a.kill(5*time.Second + s.upTo(time.Minute))
		}
	})
	s.often(f.Workers, func() {
		a := s.agents[s.rng.IntN(len(s.agents))]
		if w := a.jobs[s.rng.IntN(len(s.jobs))]; !a.life.over && w != nil && w.main != nil {
			w.main.die()
		}
	})
	s.often(f.Drivers, func() {
		if j := s.jobs[s.rng.IntN(len(s.jobs))]; !j.done {
			s.killDriver(j)
		}
	})
	s.often(f.Heads, func() {
		if !s.head.life.over {
			s.head.kill(time.Second + s.upTo(f.Away))
		}
	})
	s.often(f.Cuts, func() {
		h := s.agents[s.rng.IntN(len(s.agents))].host
		if d := s.jobs[s.rng.IntN(len(s.jobs))].driver; d != nil && s.rng.IntN(8) == 0 {
			h = d.host
		}
		if !h.life.over && !h.cut {
			s.net.cutOff(h, time.Second+s.upTo(f.Away))
		}
	})
	s.often(f.Drains, func() {
		if a := s.agents[s.rng.IntN(len(s.agents))]; !a.life.over && !a.draining {
			a.drain(s.upTo(10*time.Second), time.Second+s.upTo(f.Away))
		}
	})
	s.often(f.Apart, func() {
		if s.cfg.Servers == servers && s.net.apart < 0 {
			s.net.setApart(1+s.rng.IntN(servers-1), time.Second+s.upTo(f.Away))
		}
	})
}

// often does something so many times a minute.
func (s *sim) often(perMinute float64, do func()) {
	if perMinute <= 0 {
		return
	}
	s.after(time.Duration(s.rng.ExpFloat64()*float64(time.Minute)/perMinute), func() {
		if s.now < s.faults.Until {
			do()
			s.often(perMinute, do)
		}
	})
}

// killDriver ends a driver, and starts its program again.
func (s *sim) killDriver(j *job) {
	d := j.driver
	if d == nil || d.life.over {
		return
	}
	d.life.over = true
	s.brains = append(s.brains, &d.brain)
	s.after(time.Second+s.upTo(10*time.Second), func() { s.start(j) })
}
