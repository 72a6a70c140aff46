package sim

import "time"

// A Map of a job's main (internal/engine, the mapper and its chunks): items travel in chunks, which are tasks whose keys say
// where they were cut. A driver that is started again cuts where it knows that the one before did. An item that fails is
// tried again in a chunk of its own.
type mapping struct {
	next    int // the first item that isn't in a chunk yet
	flying  int // chunks
	alone   []int
	results []uint32 // which execution an item's result is of; 0 for none yet
}

const (
	chunkSizes = 4 // 1, 2, 4 and 8 items
	mapWindow  = 12
)

// addItems adds the chunks that a Map over so many items may be cut into.
func (p *program) addItems(n int, took time.Duration) {
	p.items, p.chunks = n, len(p.tasks)
	for i := range n * chunkSizes {
		t := task{cpu: 10_000, dep: [2]int32{-1, -1}, parent: -1, took: took << (i % chunkSizes)}
		p.tasks = append(p.tasks, t)
	}
}

func (p *program) chunk(from, log int) int32 { return int32(p.chunks + from*chunkSizes + log) }

// chunkOf is where a chunk begins and how long it is; ok is false for another task.
func (p *program) chunkOf(t int32) (from, size int, ok bool) {
	i := int(t) - p.chunks
	return i / chunkSizes, 1 << max(0, i%chunkSizes), p.items > 0 && i >= 0
}

// fails reports whether an item fails in a chunk that has others too.
func fails(item int) bool { return item%10 == 3 }

// mapOn makes chunks as long as there are few.
func (s *session) mapOn() {
	p, m := s.d.job.program, &s.mapping
	for m.flying < mapWindow && (m.next < p.items || len(m.alone) > 0) {
		var t int32
		if n := len(m.alone); n > 0 {
			t, m.alone = p.chunk(m.alone[n-1], 0), m.alone[:n-1]
		} else {
			log := s.cutAt(m.next)
			t = p.chunk(m.next, log)
			if m.next += 1 << log; s.d.s.errs(skipsItem) {
				m.next++
			}
		}
		m.flying++
		s.submit(t, nil)
	}
}

// cutAt is how long the chunk is to be that begins at an item, as a power of 2: as that of the driver before, or else no
// longer than up to where the next of its chunks begins.
func (s *session) cutAt(from int) int {
	if log := s.knownCut(from); log >= 0 {
		return log
	}
	log := s.d.s.rng.IntN(chunkSizes)
	for k := 1; k < 1<<log; k++ {
		if from+k >= s.d.job.program.items || s.knownCut(from+k) >= 0 {
			for 1<<log > k {
				log--
			}
		}
	}
	return log
}

// knownCut is how long a chunk of the driver before is that begins there; below 0 for none.
func (s *session) knownCut(from int) int {
	if from >= s.d.job.program.items {
		return -1
	}
	for log := chunkSizes - 1; log >= 0; log-- {
		if t := s.d.job.program.chunk(from, log); s.recorded[t] != 0 || s.held[t] != nil {
			return log
		}
	}
	return -1
}

// mapped takes the results of a chunk's items.
func (s *session) mapped(c *call, how status, exec uint32) {
	p, m := s.d.job.program, &s.mapping
	from, size, _ := p.chunkOf(c.task)
	m.flying--
	for i := from; i < from+size; i++ {
		if how != succeeded || size > 1 && fails(i) {
			m.alone = append(m.alone, i)
			continue
		}
		if s.d.s.errs(doublesItem) {
			m.alone = append(m.alone, i)
		}
		if m.results[i] != 0 {
			s.d.s.fail("item %d of job %d's Map has two results", i, s.d.job.n)
		}
		m.results[i] = exec
	}
	s.d.s.moved = s.d.s.now
	s.mapOn()
	s.quitIfDone()
}

func (s *session) mapDone() bool {
	m := &s.mapping
	return m.flying == 0 && m.next >= s.d.job.program.items && len(m.alone) == 0
}

// checkItems says what is wrong with the results of a job's Map: each item has one, of a chunk that it was in, whose first
// success in the journal it is.
func (t *truth) checkItems(j *job, first map[int32]uint32, complain func(int, string, ...any)) {
	for i, exec := range j.driver.mapping.results {
		if exec == 0 {
			complain(i, "as an item of the Map it has no result")
			continue
		}
		of := t.execs[exec].task
		from, size, ok := j.program.chunkOf(of)
		if !ok || i < from || i >= from+size || size > 1 && fails(i) {
			complain(i, "as an item of the Map it has the result of task %d", of)
		} else if first[of] != exec {
			complain(i, "as an item of the Map it has the value of execution %d, and the journal's first is %d's", exec, first[of])
		}
	}
}
