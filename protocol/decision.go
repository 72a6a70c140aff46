package protocol

import "encoding/binary"

// Decisions are appended to the job's stream by its coordinator, for the one that comes after it. Number counts the
// messages of a coordinator: one that is there twice counts once.
type Decisions struct {
	Epoch  uint32
	Number uint64
	List   []Decision
}

// Decision is something that a job's outcomes don't tell of a task.
type Decision struct {
	Key  Key
	Kind DecisionKind
	Data []byte // FailedForGood: the encoded error, at most MaxInline long
}

// DecisionKind is what was decided. Readers pass over kinds that they don't know.
type DecisionKind uint8

// The kinds of decisions.
const (
	Began         DecisionKind = iota + 1 // it must not run twice, and may run from here on
	FailedForGood                         // it isn't tried again
)

const minDecision = 16 + 1 + 1

// Append appends the message to dst.
func (d *Decisions) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindDecision), d.Epoch)
	dst = binary.AppendUvarint(dst, d.Number)
	dst = binary.AppendUvarint(dst, uint64(len(d.List)))
	for i := range d.List {
		x := &d.List[i]
		dst = appendBytes(append(append(dst, x.Key[:]...), byte(x.Kind)), x.Data)
	}
	return dst
}

// ReadDecisions decodes Decisions. Their bytes are data's.
func ReadDecisions(data []byte) (d Decisions, err error) {
	c := open(data, kindDecision, "a list of decisions")
	d.Epoch = c.u32("the epoch")
	d.Number = c.uvarint("the number of a message")
	n := c.count(minDecision, "the decisions")
	for range n {
		if c.err != nil {
			break
		}
		d.List = append(d.List, Decision{
			c.key("the key of a decision"), DecisionKind(c.byte("the kind of a decision")), c.bytes("a decision"),
		})
	}
	c.skip()
	return d, c.end("decisions")
}

// IsOutcomes reports whether a message of a job's stream is one of Outcomes, as a coordinator writes back those that it
// has read and the stream has lost.
func IsOutcomes(data []byte) bool { return len(data) > 0 && data[0] == kindOutcomes }
