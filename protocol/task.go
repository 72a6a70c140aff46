package protocol

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// Batch is a coordinator's answer to an Offer: tasks for the node, none if there is nothing for it now.
type Batch struct {
	Epoch  uint32
	Number uint64 // counts the batches that the coordinator has given out; the agent confirms it. Without tasks: 0 or Kept
	Tasks  []Task
}

// Kept is the number of a batch without tasks that doesn't end the offer: there is nothing for it now, and others may have
// the room first.
const Kept = 1

// Flags of a Task. A reader passes over those it doesn't know.
const (
	Alone    uint8 = 1 << iota // it may have killed a worker: no other task beside it in its worker
	Once                       // AtMostOnce: "started" is recorded before the function runs
	Isolated                   // a worker process of its own
	Items                      // Arg is a slice of items of a Map; the result is one of theirs, a List with Failures if some failed
	plain                      // one CPU, no time limits, no Deps: the usual, in fewer bytes
	Uncached                   // the function is called, whatever its worker keeps of its results
	Partial                    // with Items: the result may be a List of fewer, the first ones, if the others weren't begun
	Early                      // its outcome may be told ahead of the journal, in an Outcomes message on the node's UpSubject
)

// Task is one attempt to run a function.
type Task struct {
	ID       uint64 // the coordinator's; with the attempt it names this message's task for the epoch
	Attempt  uint32
	Key      Key
	Func     uint32 // its place among the job's function names
	Flags    uint8
	Need     Need
	Timeout  time.Duration // of the attempt; 0 for none
	Deadline time.Duration // from now: when the caller's context ends; 0 for never, and one that has passed is sent as 1
	Arg      []byte        // encoded; Refs in it are the Keys of their tasks. Empty: the argument is the value Deps[0]
	Deps     []Dep         // their values
}

// Need is the room that a task takes on its node.
type Need struct {
	CPU, IO, Memory, GPUs int64
	Named                 []Amount
}

// String is the need for people: "4 CPUs and 2 GPUs".
func (n *Need) String() string {
	var parts []string
	add := func(amount int64, unit float64, what string) {
		if amount > 0 {
			parts = append(parts, strconv.FormatFloat(float64(amount)/unit, 'g', 6, 64)+" "+what)
		}
	}
	add(n.CPU, oneCPU, "CPUs")
	add(n.IO, 1, "I/O places")
	add(n.Memory, 1, "bytes of memory")
	add(n.GPUs, oneCPU, "GPUs")
	for _, a := range n.Named {
		add(a.N, oneCPU, "of "+a.Name)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, " and ")
}

// Dep is the value of a Ref in an argument.
type Dep struct {
	Key   Key
	Value Value
}

// oneCPU is the usual need.
const oneCPU = 10_000

func (t *Task) isPlain() bool {
	n := &t.Need
	return n.CPU == oneCPU && n.IO == 0 && n.Memory == 0 && n.GPUs == 0 && len(n.Named) == 0 &&
		t.Timeout == 0 && t.Deadline == 0 && len(t.Deps) == 0
}

// Append appends the message to dst.
func (b *Batch) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindBatch), b.Epoch)
	dst = binary.AppendUvarint(dst, b.Number)
	dst = binary.AppendUvarint(dst, uint64(len(b.Tasks)))
	for i := range b.Tasks {
		dst = b.Tasks[i].Append(dst)
	}
	return dst
}

// ReadBatch decodes a Batch. The tasks' bytes are data's.
func ReadBatch(data []byte) (b Batch, err error) {
	err = b.Read(data)
	return b, err
}

// Read is ReadBatch into b. It uses the memory of b's tasks again, so that the usual tasks cost no allocation.
func (b *Batch) Read(data []byte) error {
	c := open(data, kindBatch, "a batch")
	b.Epoch = c.u32("the epoch")
	b.Number = c.uvarint("the number")
	b.Tasks = room(b.Tasks, c.count(minTask, "the tasks"))
	for i := 0; i < len(b.Tasks) && c.err == nil; i++ {
		c.task(&b.Tasks[i])
	}
	c.skip()
	return c.end("a batch")
}

// minTask is the least that a task takes: id, attempt, key, function, flags, argument.
const minTask = 1 + 1 + 16 + 1 + 1 + 1

// Append appends the task to a message.
func (t *Task) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, t.ID)
	dst = binary.AppendUvarint(dst, uint64(t.Attempt))
	dst = append(dst, t.Key[:]...)
	dst = binary.AppendUvarint(dst, uint64(t.Func))
	if t.isPlain() {
		return appendBytes(append(dst, t.Flags|plain), t.Arg)
	}
	dst = append(dst, t.Flags&^plain)
	dst = t.Need.append(dst)
	dst = appendNumber(dst, int64(t.Timeout))
	if t.Deadline < 0 {
		dst = append(dst, 1) // 0 would mean that there is none
	} else {
		dst = appendNumber(dst, int64(t.Deadline))
	}
	dst = binary.AppendUvarint(dst, uint64(len(t.Deps)))
	for i := range t.Deps {
		dst = append(dst, t.Deps[i].Key[:]...)
		dst = t.Deps[i].Value.Append(dst)
	}
	return appendBytes(dst, t.Arg)
}

func (c *cursor) task(t *Task) {
	t.ID = c.uvarint("the id of a task")
	t.Attempt = c.narrow("the attempt of a task")
	t.Key = c.key("the key of a task")
	t.Func = c.narrow("the function of a task")
	t.Flags = c.byte("the flags of a task")
	if t.Flags&plain != 0 {
		t.Flags &^= plain
		t.Need.CPU = oneCPU
		t.Arg = c.bytes("the argument of a task")
		return
	}
	t.Need = c.need()
	t.Timeout = time.Duration(c.number("the timeout of a task"))
	t.Deadline = time.Duration(c.number("the deadline of a task"))
	if n := c.count(len(Key{})+minValue, "the values of a task"); n > 0 {
		t.Deps = make([]Dep, n)
		for i := 0; i < n && c.err == nil; i++ {
			t.Deps[i].Key = c.key("the key of a value")
			c.value(&t.Deps[i].Value, 0)
		}
	}
	t.Arg = c.bytes("the argument of a task")
}
