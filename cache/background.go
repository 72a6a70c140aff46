package cache

// later does something in the background, on the one goroutine that the store has while there is something to do.
func (s *Store) later(job func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start(job)
}

// start is later, with s.mu held. A closed store starts nothing.
func (s *Store) start(job func()) {
	if s.closed.Load() {
		return
	}
	s.todo = append(s.todo, job)
	if s.working {
		return
	}
	s.working = true
	s.idle.Add(1)
	go s.work()
}

func (s *Store) work() {
	defer s.idle.Done()
	for {
		s.mu.Lock()
		if len(s.todo) == 0 {
			s.working, s.todo = false, nil
			s.mu.Unlock()
			return
		}
		job := s.todo[0]
		s.todo = s.todo[1:]
		s.mu.Unlock()
		job()
	}
}

// steps is the part of the limit by which this process's count and the shared one may differ.
const steps = 256

// grow counts bytes that were stored, and lets the background add them to the shared count when there are enough.
func (s *Store) grow(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.added
	s.added += bytes
	if step := s.limit / steps; before < step && s.added >= step {
		s.start(s.settle)
	}
}

// settle adds what this process has stored to the shared count, and evicts if that is over the limit.
func (s *Store) settle() {
	s.mu.Lock()
	added := s.added
	s.added = 0
	s.mu.Unlock()
	if added == 0 {
		return
	}
	u, err := s.addUsage(added)
	if err != nil || u.total > s.limit {
		s.evict()
	}
}
