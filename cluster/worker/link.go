package worker

import (
	"fmt"
	"io"
	"sync"

	"github.com/musterrun/muster/protocol"
)

const (
	frameSize = 256 << 10 // a frame isn't added to beyond it
	maxPiece  = 7 << 20   // the most that one outcome or item may take, so that a frame stays below protocol.MaxFrame
	maxUnsent = 64 << 20  // bytes that wait to be written; then who speaks waits too
	maxLine   = 16 << 10  // of a log
	keepSize  = 1 << 20   // a larger buffer is let go once it is written
)

// Link is how a host speaks to the agent. Its methods encode what they are given, keep the order, and return at once
// unless 64 MiB wait to be written; once the socket is closed they do nothing. They are for concurrent use.
type Link struct {
	mu       sync.Mutex
	more     sync.Cond // there is something to write, or closed
	room     sync.Cond // there is room again, or closed
	frames   []byte    // complete ones
	outcomes protocol.OutcomeList
	items    protocol.ItemList // at most one of the two isn't empty
	closed   bool

	w    io.Writer // flush's; nil while that writes, or isn't there
	owed int       // outcomes of tasks that have come
}

func newLink() *Link {
	l := &Link{}
	l.more.L, l.room.L = &l.mu, &l.mu
	return l
}

// Outcome sends how an attempt ended. One that is too long for a message is sent as a failure that says so.
func (l *Link) Outcome(o *protocol.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.admit() {
		return
	}
	if l.items.Count() > 0 || l.outcomes.Size() >= frameSize {
		l.seal()
	}
	if !l.outcomes.AddWithin(o, l.outcomes.Size()+maxPiece) {
		l.outcomes.Add(tooLong(o))
	}
	if l.owed--; l.owed <= 0 {
		l.writeNow()
	}
	if len(l.frames)+l.outcomes.Count() > 0 { // else flush would wake for nothing
		l.more.Signal()
	}
}

// owe notes that tasks have come. While outcomes are owed, those that are there gather.
func (l *Link) owe(tasks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owed += tasks
}

// writeNow writes what the socket takes at once: nothing more is to come soon. The mutex is held.
func (l *Link) writeNow() {
	if l.w == nil || len(l.frames)+l.outcomes.Size() > protocol.Few {
		return
	}
	l.seal()
	n := protocol.WriteNow(l.w, l.frames)
	l.frames = l.frames[:copy(l.frames, l.frames[n:])]
}

func tooLong(o *protocol.Outcome) *protocol.Outcome {
	failed := protocol.Outcome{ID: o.ID, Attempt: o.Attempt, Key: o.Key, Status: protocol.Failed, Took: o.Took}
	failed.Value = protocol.TextFailure(fmt.Sprintf(
		"the result is longer than the %d MiB that a message holds: return less, or write it to a file", maxPiece>>20))
	return &failed
}

// Send sends items of attempts: Call, Want, Cancel, Block of running ones, GiveBack of one that is taken back. They are in
// front of an outcome that is sent later, and in one frame unless they are long. A call that is too long for a message is
// sent as one that fails, and says so.
func (l *Link) Send(items ...protocol.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.admit() {
		return
	}
	if l.outcomes.Count() > 0 {
		l.seal()
	}
	for _, i := range items {
		if l.items.Size() >= frameSize {
			l.seal()
		}
		if !l.items.AddWithin(i, l.items.Size()+maxPiece) {
			if k, ok := i.(protocol.Call); ok { // no other is as long
				l.items.Add(k.TooLong(maxPiece))
			}
		}
	}
	l.more.Signal()
}

// Log sends a line that an attempt has written, cut after 16 KiB.
func (l *Link) Log(by protocol.Attempt, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.admit() {
		line := protocol.Log{Attempt: by, Text: line[:min(len(line), maxLine)]}
		l.frames = protocol.AppendFrame(l.frames, protocol.FrameLog, line.Append)
		l.more.Signal()
	}
}

// pong doesn't wait for room: the goroutine that reads sends it.
func (l *Link) pong() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = protocol.AppendFrame(l.frames, protocol.FramePong, nil)
	l.more.Signal()
}

// admit waits for room; false once the link is closed.
func (l *Link) admit() bool {
	for !l.closed && len(l.frames)+l.outcomes.Size()+l.items.Size() > maxUnsent {
		l.room.Wait()
	}
	return !l.closed
}

// seal makes a frame of what has gathered.
func (l *Link) seal() {
	switch {
	case l.outcomes.Count() > 0:
		l.frames = protocol.AppendFrame(l.frames, protocol.FrameOutcomes,
			func(dst []byte) []byte { return l.outcomes.Append(dst, 0, "") })
		l.outcomes.Reset()
	case l.items.Count() > 0:
		l.frames = protocol.AppendFrame(l.frames, protocol.FrameItems,
			func(dst []byte) []byte { return l.items.AppendUp(dst, 0, "") })
		l.items.Reset()
	}
}

func (l *Link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.frames = nil
	l.more.Broadcast()
	l.room.Broadcast()
}

// flush writes what gathers until the link is closed or w fails.
func (l *Link) flush(w io.Writer) {
	var spare []byte
	for {
		frames, ok := l.take(w, spare[:0])
		if !ok {
			return
		}
		if _, err := w.Write(frames); err != nil {
			return
		}
		if spare = frames; cap(spare) > keepSize {
			spare = nil
		}
	}
}

// take waits for frames and gives all there are; spare is what the next ones gather in.
func (l *Link) take(w io.Writer, spare []byte) (frames []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w = w
	for !l.closed && len(l.frames)+l.outcomes.Count()+l.items.Count() == 0 {
		l.more.Wait()
	}
	if l.closed {
		return nil, false
	}
	l.seal()
	frames, l.frames, l.w = l.frames, spare, nil
	l.room.Broadcast()
	return frames, true
}
