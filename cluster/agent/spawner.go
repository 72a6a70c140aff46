package agent

import (
	"runtime"
	"sync"
)

// spawner starts processes on a thread of its own. The kernel ends a process with the thread that started it (the
// parent-death signal), and Go ends threads as it likes unless a goroutine is locked to one.
type spawner struct {
	work chan func()
	all  sync.WaitGroup
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	s.all.Go(func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		for f := range s.work {
			f()
		}
	})
	return s
}

// do runs f on the thread.
func (s *spawner) do(f func()) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// stop ends the thread, and with it what it has started and what still runs. Nobody may call do any more.
func (s *spawner) stop() {
	close(s.work)
	s.all.Wait()
}
