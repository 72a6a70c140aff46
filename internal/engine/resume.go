package engine

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/journal"
)

// resumption counts how much of a job an earlier run has recorded, to notice when next to nothing matches.
type resumption struct {
	mu     sync.Mutex
	asked  int
	found  int
	judged bool
	funcs  []*Spec // asked for, each name once
}

// judgeAfter is how many calls are looked at before the session says that they don't match.
const judgeAfter = 1000

// matched counts calls that were looked up in the journal.
func (s *Session) matched(sp *Spec, calls int, found bool) {
	m := &s.resumption
	m.mu.Lock()
	m.asked += calls
	if found {
		m.found += calls
	}
	if !slices.ContainsFunc(m.funcs, func(f *Spec) bool { return f.Name == sp.Name }) {
		m.funcs = append(m.funcs, sp)
	}
	judge := !m.judged && m.asked >= judgeAfter
	m.judged = m.judged || judge
	m.mu.Unlock()
	if judge {
		s.judgeMatch()
	}
}

// Resumed says how many calls were looked up in the journal, and how many of them it held.
func (s *Session) Resumed() (asked, found int) {
	s.resumption.mu.Lock()
	defer s.resumption.mu.Unlock()
	return s.resumption.asked, s.resumption.found
}

// judgeMatch says why the journal doesn't match, if it doesn't. A short job is judged when its session closes.
func (s *Session) judgeMatch() {
	j := s.cfg.Journal
	asked, found := s.Resumed()
	if j == nil || j.Opened().Records == 0 || asked == 0 || found*100 >= asked {
		return
	}
	s.Note(event.Event{Kind: event.Hint, Item: -1, Text: fmt.Sprintf(
		"%d of the first %d calls are in the job's journal: %s", found, asked, s.mismatch())})
}

func (s *Session) judgeAtEnd() {
	s.resumption.mu.Lock()
	judged := s.resumption.judged
	s.resumption.judged = true
	s.resumption.mu.Unlock()
	if !judged {
		s.judgeMatch()
	}
}

// mismatch is the likely cause: code that has changed, or else arguments.
func (s *Session) mismatch() string {
	s.resumption.mu.Lock()
	funcs := slices.Clone(s.resumption.funcs)
	s.resumption.mu.Unlock()
	var changed, rebuilt, same []string
	for _, sp := range funcs {
		old, ok := s.cfg.Journal.Code(sp.Name)
		now := s.cfg.Code(sp).Code
		switch {
		case !ok:
		case old == now:
			same = append(same, sp.Name)
		case old.Kind == now.Kind && now.Kind == journal.ByBuild:
			rebuilt = append(rebuilt, sp.Name)
		default:
			changed = append(changed, sp.Name)
		}
	}
	sort.Strings(changed)
	sort.Strings(rebuilt)
	switch {
	case len(changed) > 0:
		return fmt.Sprintf("the code of %s has changed since it was recorded", strings.Join(changed, ", "))
	case len(rebuilt) > 0:
		return fmt.Sprintf("the program was built again, and nothing says that the code of %s is the same: "+
			"run `muster fingerprint ./...` before you build, or declare muster.Version", strings.Join(rebuilt, ", "))
	case len(same) > 0:
		return "the code is the same, so the arguments differ, or the order of equal calls"
	default:
		return "it holds other functions: is this another program?"
	}
}

// unrecorded tells once for each function why an outcome isn't recorded.
func (s *Session) unrecorded(sp *Spec, err error) {
	if s.told.first("journal " + sp.Name) {
		text := fmt.Sprintf("%s isn't recorded in the job's journal: %v", sp.Name, err)
		s.Note(event.Event{Kind: event.Hint, Func: sp.Name, Item: -1, Text: text})
	}
}
