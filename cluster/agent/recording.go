package agent

import "time"

// recordFor is how long the outcomes of a job that has ended may take to get into its journal.
const recordFor = 30 * time.Second

// awaitRecorded waits until the outcomes of a job with a name are in its journal, or on the way there values that they name: who
// resumes it finds them. A job without a name has no use for them. What takes too long is dropped, and told.
func (a *Agent) awaitRecorded(j *job) {
	a.mu.Lock()
	named := j.info != nil && j.info.Name != ""
	a.mu.Unlock()
	for end := time.Now().Add(recordFor); named && !j.recorded() && sleep(a.ctx, 5*time.Millisecond); {
		if time.Now().After(end) {
			j.log.Warn("outcomes of a job that has ended couldn't be recorded, so their tasks run again when it is resumed: "+
				"does the head's disk have room?", "seconds", recordFor.Seconds())
			break
		}
	}
	a.mu.Lock()
	delete(a.recording, j)
	a.mu.Unlock()
}

func (j *job) recorded() bool { return j.uploads.Load() == 0 && j.journal.empty() }

// journals are those that wait for confirmations about a job: also of one of that id that is ending. The mutex is held.
func (a *Agent) journals(id string) (list []*journal) {
	if j := a.jobs[id]; j != nil {
		list = append(list, j.journal)
	}
	for j := range a.recording {
		if j.id == id {
			list = append(list, j.journal)
		}
	}
	return list
}
