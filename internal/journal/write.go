package journal

import (
	"errors"
	"fmt"
	"time"
)

// bufferLimit is how much may wait to be written; beyond it Append waits for the disk.
const bufferLimit = 8 << 20

// syncEvery is how much a power cut may lose.
const syncEvery = time.Second

// Append records an outcome, soon: Close waits for it. It copies the data, and waits only while the disk is far behind.
// After a failure, and when Close has been called, it does nothing. code gives the code of the record's function, and
// is called once for each function; it must not use the journal.
//
// It panics on a record that makes no sense: an unknown status, or a range without items.
func (j *Journal) Append(r Record, code func() Code) {
	r.check()
	sum := dataSum(r.Data)
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.buf) > bufferLimit && j.err == nil && !j.closed {
		j.room.Wait()
	}
	if j.err != nil || j.closed {
		return
	}
	n, known := j.numbers[r.Func]
	if !known {
		n = j.next
		j.buf = appendFunc(j.buf, j.salt, n, code())
		j.next++
		j.numbers[r.Func] = n
	}
	j.buf = appendTask(j.buf, j.salt, n, &r, sum)
	j.added++
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// write writes what is appended, until Close.
func (j *Journal) write() {
	var spare []byte
	for range j.wake {
		spare = j.drain(spare)
	}
	j.drain(spare)
}

// drain writes what is in the buffer and gives it back for reuse; meanwhile spare is the buffer.
func (j *Journal) drain(spare []byte) []byte {
	j.mu.Lock()
	out, added := j.buf, j.added
	j.buf = spare[:0]
	j.room.Broadcast()
	j.mu.Unlock()
	if len(out) > 0 {
		j.fail(j.flush(out))
		j.dirty.Store(true)
		j.mu.Lock()
		j.written = added
		j.room.Broadcast()
		j.mu.Unlock()
	}
	if cap(out) > 2*bufferLimit {
		return nil // one large result must not take its memory for good
	}
	return out
}

// flush writes records at the end of the file.
func (j *Journal) flush(b []byte) error {
	if j.end+int64(len(b)) > j.limit {
		return fmt.Errorf("the journal would grow beyond %d bytes: nothing more is recorded", j.limit)
	}
	n, err := j.file.WriteAt(b, j.end)
	j.end += int64(n)
	return err
}

// sync syncs the file now and then, until Close. It is a goroutine of its own so that records needn't wait for it.
func (j *Journal) sync() {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-tick.C:
			if j.dirty.Swap(false) {
				j.fail(j.file.Sync())
			}
		}
	}
}

// Sync waits until what was appended is on the disk, where a power cut leaves it. It gives the failure after which nothing
// is recorded, or its own.
func (j *Journal) Sync() error {
	j.mu.Lock()
	for added := j.added; j.written < added && j.err == nil && !j.closed; {
		j.room.Wait()
	}
	err := j.err
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return j.file.Sync()
}

// fail keeps the first failure and reports it. What was written of a record before it is cut at the next opening.
func (j *Journal) fail(err error) {
	if err == nil {
		return
	}
	err = fmt.Errorf("record in %s: %w", j.path, err)
	j.mu.Lock()
	first := j.err == nil
	if first {
		j.err = err
		j.buf = nil
		j.room.Broadcast()
	}
	j.mu.Unlock()
	if first && j.report != nil {
		j.report(err)
	}
}

// Close writes what is left, syncs the file and lets others open the job. It returns the failure that report was told,
// or its own. Read fails after it. A further call waits for the first, and returns the same.
func (j *Journal) Close() error {
	j.closing.Do(func() { j.ended = j.close() })
	return j.ended
}

func (j *Journal) close() error {
	j.mu.Lock()
	j.closed = true
	j.room.Broadcast()
	close(j.wake) // Append sends under the mutex, and not when closed
	j.mu.Unlock()
	close(j.stop)
	j.running.Wait()
	synced := j.file.Sync() // also after a failure: what was written before it is good
	j.mu.Lock()
	err := j.err
	j.mu.Unlock()
	if err == nil && synced != nil {
		err = fmt.Errorf("record in %s: %w", j.path, synced)
	}
	err = errors.Join(err, j.file.Close())
	if j.lock != nil {
		err = errors.Join(err, j.lock.release())
	}
	return err
}
