package engine

import "sync"

// told remembers what was said, so that it is said once.
type told struct {
	mu   sync.Mutex
	said map[string]bool
}

// first reports whether something hasn't been said before.
func (t *told) first(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.said[what] {
		return false
	}
	if t.said == nil {
		t.said = map[string]bool{}
	}
	t.said[what] = true
	return true
}
