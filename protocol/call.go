package protocol

import (
	"encoding/binary"
	"fmt"
	"time"
)

// RefID names a task where one that runs speaks of it: by its Key, of 16 bytes, or as the call number Seq of an attempt,
// of 20 bytes. A Ref inside an argument or a result is written as one.
type RefID string

const callRefLen = 8 + 4 + 8

// KeyRef is the RefID of a task whose key is known.
func KeyRef(k Key) RefID { return RefID(k[:]) }

// CallRef is the RefID of what the attempt's call number seq gives.
func CallRef(task uint64, attempt uint32, seq uint64) RefID {
	var b [callRefLen]byte
	binary.LittleEndian.PutUint64(b[:], task)
	binary.LittleEndian.PutUint32(b[8:], attempt)
	binary.LittleEndian.PutUint64(b[12:], seq)
	return RefID(b[:])
}

// Key is the key, if the RefID is one.
func (r RefID) Key() (k Key, ok bool) {
	if len(r) != len(k) {
		return k, false
	}
	copy(k[:], r)
	return k, true
}

// Call is the task, the attempt and the number of the call, if the RefID names one.
func (r RefID) Call() (task uint64, attempt uint32, seq uint64, ok bool) {
	if len(r) != callRefLen {
		return 0, 0, 0, false
	}
	b := []byte(r)
	return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint64(b[12:]), true
}

// Attempt names a running attempt.
type Attempt struct {
	Task uint64
	N    uint32
}

// What a Call makes.
const (
	CallFunc    byte = iota + 1 // a task of a function; Arg is its argument
	CallFrom                    // a task of a function; its argument is the value of Refs[0]
	CallItems                   // a task for items of a Map; Arg is a slice of them, the first has index First
	CallGather                  // a slice of the values of Refs
	CallElement                 // element Index of the slice Refs[0], which has Count elements
	CallFlatten                 // the value of the Ref that is the value of Refs[0]
	CallPut                     // the value Arg
	CallFail                    // no value: Arg is the encoded error. It stands for a call that couldn't be sent
)

// Call is a call that a running attempt makes. Sending it again changes nothing: By and Seq name it.
type Call struct {
	By    Attempt
	Seq   uint64 // counts the calls of the attempt, from 1
	Kind  byte
	Lazy  bool   // runs only if something asks for its value
	Func  uint32 // its place among the job's function names
	Terms *Terms // nil: the function's own
	Map   uint64 // CallItems: counts the Maps of the attempt
	First int64
	Index int64
	Count int64
	Refs  []RefID // beside the kinds that say what theirs are: those that stand in Arg
	Arg   []byte
}

// Terms are a call's options where they aren't the function's own.
type Terms struct {
	Need       Need
	Retries    uint32
	First, Max time.Duration // of the pause between attempts
	Timeout    time.Duration
	Priority   int64
	Version    string
	Once       bool   // AtMostOnce
	Isolated   bool   // a worker process of its own
	Uncached   bool   // cached otherwise than the function's own results, so not at all
	Where      string // which nodes may run it, by their labels, as the option Where has it; "": all
}

// Flags of a call.
const (
	callLazy byte = 1 << iota
	callTerms
	callOnce     // of the terms
	callIsolated // likewise
	callUncached // likewise
)

// Append appends the call to a message or a frame.
func (k *Call) Append(dst []byte) []byte {
	dst = k.By.append(dst)
	dst = binary.AppendUvarint(dst, k.Seq)
	flags := byte(0)
	if k.Lazy {
		flags |= callLazy
	}
	if k.Terms != nil {
		flags |= callTerms | k.Terms.flags()
	}
	dst = append(dst, k.Kind, flags)
	dst = binary.AppendUvarint(dst, uint64(k.Func))
	dst = binary.AppendUvarint(dst, k.Map)
	for _, n := range [...]int64{k.First, k.Index, k.Count} {
		dst = appendNumber(dst, n)
	}
	if k.Terms != nil {
		dst = k.Terms.append(dst)
	}
	dst = appendBytes(appendRefs(dst, k.Refs), k.Arg)
	if k.Terms != nil && k.Terms.Where != "" {
		dst = appendText(dst, k.Terms.Where)
	}
	return dst
}

// TooLong is what is sent instead of a call that doesn't go into a message of limit bytes: whoever asks for its value gets
// an error that says what to do.
func (k *Call) TooLong(limit int) Call {
	text := fmt.Sprintf("the call takes %d bytes, and a message of this cluster holds %d: pass less, or Refs of Gathers of some of it",
		len(k.Append(nil)), limit)
	return Call{By: k.By, Seq: k.Seq, Kind: CallFail, Lazy: k.Lazy, Arg: TextFailure(text).Data}
}

func (c *cursor) call() (k Call) {
	k.By = c.attempt()
	k.Seq = c.uvarint("the number of a call")
	k.Kind = c.byte("the kind of a call")
	flags := c.byte("the flags of a call")
	k.Lazy = flags&callLazy != 0
	k.Func = c.narrow("the function of a call")
	k.Map = c.uvarint("the Map of a call")
	k.First = c.number("the first item of a call")
	k.Index, k.Count = c.number("the index of a call"), c.number("the count of a call")
	if flags&callTerms != 0 {
		k.Terms = c.terms()
		k.Terms.setFlags(flags)
	}
	k.Refs = c.refs("the refs of a call")
	k.Arg = c.bytes("the argument of a call")
	if k.Terms != nil && c.left() > 0 {
		k.Terms.Where = c.text("the nodes of a call")
	}
	if c.err == nil {
		c.checkCall(&k)
	}
	return k
}

func (c *cursor) checkCall(k *Call) {
	switch k.Kind {
	case CallFunc, CallItems, CallGather, CallPut, CallFail:
	case CallFrom, CallElement, CallFlatten:
		if len(k.Refs) != 1 {
			c.fail("the refs of a call: it takes one")
		}
	default:
		c.fail("the kind of a call")
	}
	if k.Kind == CallElement && k.Index >= k.Count {
		c.fail("the index of a call")
	}
}

func (c *cursor) ref() RefID { return RefID(c.refBytes()) }

// refBytes is a ref. Its length takes one byte.
func (c *cursor) refBytes() []byte {
	n := int(c.byte("the length of a ref"))
	if c.err == nil && n != len(Key{}) && n != callRefLen || n > c.left() {
		c.fail("a ref")
		return nil
	}
	return c.take(n)
}

func appendRefs(dst []byte, refs []RefID) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(refs)))
	for _, r := range refs {
		dst = appendText(dst, string(r))
	}
	return dst
}

// refs is a list of them, in one string, since a Gather may have many.
func (c *cursor) refs(what string) []RefID {
	n := c.count(1+len(Key{}), what)
	if n == 0 {
		return nil
	}
	from := c.at
	for range n {
		c.refBytes()
	}
	if c.err != nil {
		return nil
	}
	text, list := string(c.data[from:c.at]), make([]RefID, n)
	for i := range list {
		end := 1 + int(text[0])
		list[i], text = RefID(text[1:end]), text[end:]
	}
	return list
}

func (a Attempt) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, a.Task), uint64(a.N))
}

func (c *cursor) attempt() Attempt {
	return Attempt{c.uvarint("the task of an attempt"), c.narrow("the number of an attempt")}
}

// flags are the terms' part of a call's, where a reader of an earlier minor version passes over them.
func (t *Terms) flags() (f byte) {
	if t.Once {
		f |= callOnce
	}
	if t.Isolated {
		f |= callIsolated
	}
	if t.Uncached {
		f |= callUncached
	}
	return f
}

func (t *Terms) setFlags(f byte) {
	t.Once, t.Isolated, t.Uncached = f&callOnce != 0, f&callIsolated != 0, f&callUncached != 0
}

func (t *Terms) append(dst []byte) []byte {
	dst = t.Need.append(dst)
	for _, n := range [...]int64{int64(t.Retries), int64(t.First), int64(t.Max), int64(t.Timeout)} {
		dst = appendNumber(dst, n)
	}
	dst = binary.AppendVarint(dst, t.Priority)
	return appendText(dst, t.Version)
}

func (c *cursor) terms() *Terms {
	t := &Terms{Need: c.need(), Retries: c.narrow("the retries of a call")}
	t.First, t.Max = time.Duration(c.number("the pause of a call")), time.Duration(c.number("the longest pause of a call"))
	t.Timeout = time.Duration(c.number("the timeout of a call"))
	t.Priority = c.varint("the priority of a call")
	t.Version = c.text("the version of a call")
	return t
}

func (n *Need) append(dst []byte) []byte {
	for _, x := range [...]int64{n.CPU, n.IO, n.Memory, n.GPUs} {
		dst = appendNumber(dst, x)
	}
	return appendAmounts(dst, n.Named)
}

func (c *cursor) need() (n Need) {
	n.CPU, n.IO = c.number("the CPUs of a need"), c.number("the I/O places of a need")
	n.Memory, n.GPUs = c.number("the memory of a need"), c.number("the GPUs of a need")
	n.Named = c.amounts()
	return n
}
