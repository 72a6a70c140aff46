package child

import (
	"fmt"
	"time"
)

// Ended says how a program has ended.
type Ended struct {
	Code int    // its exit code; -1 if a signal has ended it
	How  string // "exited with status 3"
	Tail string // what it wrote last
}

// RunProgram runs a program that isn't a worker, as workers are run but without a socket, to its end; nothing of it is left
// then. What comes on stop ends it: SIGTERM, and after so long it is killed with all that it has started; at once if that
// isn't above 0. Who says it again doesn't give it more time, nor another SIGTERM, by which many programs leave at once. An
// error says that it couldn't be started.
func RunProgram(s *Spec, stop <-chan time.Duration) (Ended, error) {
	p, err := launch(s, nil)
	if err != nil {
		return Ended{}, fmt.Errorf("start the program: %w", err)
	}
	if s.Started != nil {
		s.Started(p.pid())
	}
	late := time.NewTimer(time.Hour)
	defer late.Stop()
	late.Stop()
	told, killed := false, false
	for {
		select {
		case <-p.exited:
			end := Ended{Code: p.code(), How: p.how(false), Tail: p.tail.String()}
			if killed && end.Code < 0 {
				end.How = "was killed"
			}
			return end, nil
		case grace := <-stop:
			switch {
			case grace <= 0:
				killed = true
				KillGroup(p.pid())
			case !told:
				told = true
				p.terminate()
				late.Reset(grace)
			}
		case <-late.C:
			killed = true
			KillGroup(p.pid())
		}
	}
}
