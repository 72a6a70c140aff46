package protocol

import (
	"encoding/binary"
	"time"
)

// Status is how an attempt ended.
type Status uint8

// The statuses of an Outcome. None may be added without a new major version: a coordinator must know what each means.
const (
	Succeeded Status = iota + 1
	Failed           // the function returned an error, panicked, or exceeded its time
	Canceled         // it was told to end
)

// Outcomes are appended to the job's stream by an agent. What is recorded once counts.
type Outcomes struct {
	Epoch uint32 // of the coordinator that gave the tasks out
	Node  string
	List  []Outcome
}

// Outcome is how one attempt ended.
type Outcome struct {
	ID      uint64
	Attempt uint32
	Key     Key
	Status  Status
	Took    time.Duration // how long the function ran
	Value   Value         // Succeeded: the result; else a Failure
	Refs    []RefID       // those that stand in the result
}

// minOutcome is the least that an outcome takes: id, attempt, key, status, time, value, number of refs.
const minOutcome = 1 + 1 + 16 + 1 + 1 + minValue + 1

// Append appends the message to dst.
func (o *Outcomes) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindOutcomes), o.Epoch)
	dst = appendText(dst, o.Node)
	dst = binary.AppendUvarint(dst, uint64(len(o.List)))
	for i := range o.List {
		dst = o.List[i].Append(dst)
	}
	return dst
}

// Append appends the outcome to a message.
func (o *Outcome) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, o.ID)
	dst = binary.AppendUvarint(dst, uint64(o.Attempt))
	dst = append(dst, o.Key[:]...)
	dst = append(dst, byte(o.Status))
	dst = appendNumber(dst, int64(o.Took))
	return appendRefs(o.Value.Append(dst), o.Refs)
}

// ReadOutcomes decodes Outcomes. Their bytes are data's.
func ReadOutcomes(data []byte) (o Outcomes, err error) {
	err = o.Read(data)
	return o, err
}

// Read is ReadOutcomes into o. It uses the memory of o's list again, so that the usual outcomes cost no allocation.
func (o *Outcomes) Read(data []byte) error {
	c := open(data, kindOutcomes, "a list of outcomes")
	o.Epoch = c.u32("the epoch")
	c.again(&o.Node, "the node")
	o.List = room(o.List, c.count(minOutcome, "the outcomes"))
	for i := 0; i < len(o.List) && c.err == nil; i++ {
		c.outcome(&o.List[i])
	}
	c.skip()
	return c.end("outcomes")
}

func (c *cursor) outcome(o *Outcome) {
	o.ID = c.uvarint("the id of an outcome")
	o.Attempt = c.narrow("the attempt of an outcome")
	o.Key = c.key("the key of an outcome")
	o.Status = Status(c.byte("the status of an outcome"))
	if c.err == nil && (o.Status < Succeeded || o.Status > Canceled) {
		c.fail("the status of an outcome")
	}
	o.Took = time.Duration(c.number("the time of an outcome"))
	c.value(&o.Value, 0)
	o.Refs = c.refs("the refs of an outcome")
}
