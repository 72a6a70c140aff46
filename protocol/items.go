package protocol

import (
	"encoding/binary"
	"time"
)

// Item is one thing that an agent tells a coordinator, or the reverse. Messages hold several; items of kinds that the
// reader doesn't know are passed over.
type Item interface {
	kind() byte
	append(dst []byte) []byte
}

// Kinds of items. Those up to 63 go up, the others down.
const (
	itemAccept byte = iota + 1
	itemGiveBack
	itemStarted
	itemCall
	itemWant
	itemCancel
	itemBlock
	itemHeld
)

const (
	itemSettle byte = iota + 64
	itemStop
	itemTakeBack
	itemQuit
	itemBegin
	itemHold
)

// Accept confirms a batch: the node has its tasks now.
type Accept struct{ Number uint64 }

// Reasons of a GiveBack.
const (
	NotStarted byte = iota + 1 // the node can't or needn't start it
	WorkerDied                 // its worker died while it ran
	Returned                   // as NotStarted, and it keeps its turn: it was asked for, or the node is left
)

// GiveBack returns a task that won't have an outcome here.
type GiveBack struct {
	Attempt
	Reason byte
	Alone  bool   // WorkerDied: no other task ran in the worker
	Text   string // how the worker ended, and the last it wrote
}

// Started says that an attempt is about to begin that must not run twice. The answer is a Begin once that is recorded, or
// a Stop if it isn't to begin any more.
type Started struct{ Attempt }

// Want asks for the value of a task on behalf of a running attempt, which waits for it if Waits. The answer is a Settle.
type Want struct {
	By    Attempt
	Ref   RefID
	Waits bool
}

// Cancel asks for the end of a task on behalf of a running attempt.
type Cancel struct {
	By  Attempt
	Ref RefID
}

// Block says that a running attempt has begun to wait, or that it goes on. Ends says that its wait may end by something
// else too than what it has asked for, such as a deadline; it may come later, in a Block of its own.
type Block struct {
	By    Attempt
	Waits bool
	Ends  bool
}

// Held says that the node runs a task that an earlier epoch's coordinator gave it, and whose outcome will come by its
// key; or, if Gone, that it won't come after all. Life is that of the node's offers: one that comes with another speaks of
// a node that has nothing of this any more. 0 says nothing.
type Held struct {
	Key  Key
	Gone bool
	Life uint64
}

// Settle is the answer to a Want: the task has ended.
type Settle struct {
	By    Attempt
	Ref   RefID
	Value Value
}

// Stop interrupts an attempt; it has Grace to return.
type Stop struct {
	Attempt
	Expired bool // its time is over, or else it was cancelled
	Grace   time.Duration
}

// TakeBack asks for a task that hasn't started. The answer is a GiveBack, unless it has.
type TakeBack struct{ Attempt }

// Begin is the answer to Started: it is recorded, so the attempt may run.
type Begin struct{ Attempt }

// Hold asks the node to start nothing that would delay a task which needs so much, for so long: what becomes free is for
// the job that asks, until that is enough. It is asked for again while it is needed; For 0 ends it. A node keeps one hold
// at a time, and none against jobs that come before the one that asks.
type Hold struct {
	Need Need
	For  time.Duration
}

// Quit ends all that the node does for the job.
type Quit struct{}

func (Held) kind() byte     { return itemHeld }
func (Accept) kind() byte   { return itemAccept }
func (GiveBack) kind() byte { return itemGiveBack }
func (Started) kind() byte  { return itemStarted }
func (Call) kind() byte     { return itemCall }
func (Want) kind() byte     { return itemWant }
func (Cancel) kind() byte   { return itemCancel }
func (Block) kind() byte    { return itemBlock }
func (Settle) kind() byte   { return itemSettle }
func (Stop) kind() byte     { return itemStop }
func (TakeBack) kind() byte { return itemTakeBack }
func (Quit) kind() byte     { return itemQuit }
func (Begin) kind() byte    { return itemBegin }
func (Hold) kind() byte     { return itemHold }

func (i Held) append(dst []byte) []byte {
	dst = appendBool(append(dst, i.Key[:]...), i.Gone)
	if i.Life != 0 {
		dst = binary.AppendUvarint(dst, i.Life)
	}
	return dst
}

func (i Accept) append(dst []byte) []byte { return binary.AppendUvarint(dst, i.Number) }

func (i GiveBack) append(dst []byte) []byte {
	dst = appendBool(append(i.Attempt.append(dst), i.Reason), i.Alone)
	return appendText(dst, i.Text)
}

func (i Started) append(dst []byte) []byte { return i.Attempt.append(dst) }

func (k Call) append(dst []byte) []byte { return k.Append(dst) }

func (i Want) append(dst []byte) []byte {
	return appendBool(appendText(i.By.append(dst), string(i.Ref)), i.Waits)
}

func (i Cancel) append(dst []byte) []byte { return appendText(i.By.append(dst), string(i.Ref)) }

func (i Block) append(dst []byte) []byte {
	return appendBool(appendBool(i.By.append(dst), i.Waits), i.Ends)
}

func (i Settle) append(dst []byte) []byte {
	return i.Value.Append(appendText(i.By.append(dst), string(i.Ref)))
}

func (i Stop) append(dst []byte) []byte {
	return appendNumber(appendBool(i.Attempt.append(dst), i.Expired), int64(i.Grace))
}

func (i TakeBack) append(dst []byte) []byte { return i.Attempt.append(dst) }

func (Quit) append(dst []byte) []byte { return dst }

func (i Begin) append(dst []byte) []byte { return i.Attempt.append(dst) }

func (i Hold) append(dst []byte) []byte { return appendNumber(i.Need.append(dst), int64(i.For)) }

// item decodes the body of an item; nil if its kind isn't known.
func (c *cursor) item(kind byte) Item {
	switch kind {
	case itemAccept:
		return Accept{c.uvarint("the number of a batch")}
	case itemGiveBack:
		return GiveBack{c.attempt(), c.byte("the reason"), c.bool("whether it was alone"), c.text("how a worker ended")}
	case itemStarted:
		return Started{c.attempt()}
	case itemCall:
		return c.call()
	case itemWant:
		return Want{c.attempt(), c.ref(), c.bool("whether it waits")}
	case itemCancel:
		return Cancel{c.attempt(), c.ref()}
	case itemBlock:
		return Block{c.attempt(), c.bool("whether it waits"), c.bool("whether the wait ends by itself")}
	case itemHeld:
		h := Held{Key: c.key("the key of a task"), Gone: c.bool("whether it is gone")}
		if c.err == nil && c.left() > 0 { // older agents don't say
			h.Life = c.uvarint("the life of a node")
		}
		return h
	case itemSettle:
		s := Settle{By: c.attempt(), Ref: c.ref()}
		c.value(&s.Value, 0)
		return s
	case itemStop:
		return Stop{c.attempt(), c.bool("whether it expired"), time.Duration(c.number("the grace"))}
	case itemTakeBack:
		return TakeBack{c.attempt()}
	case itemQuit:
		return Quit{}
	case itemBegin:
		return Begin{c.attempt()}
	case itemHold:
		return Hold{c.need(), time.Duration(c.number("how long a hold is for"))}
	default:
		return nil
	}
}

// Speaker is the attempt on behalf of which a worker says something; false for an item that isn't a worker's.
func Speaker(it Item) (Attempt, bool) {
	switch it := it.(type) {
	case Call:
		return it.By, true
	case Want:
		return it.By, true
	case Cancel:
		return it.By, true
	case Block:
		return it.By, true
	case GiveBack:
		return it.Attempt, true
	}
	return Attempt{}, false
}
