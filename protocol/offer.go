package protocol

import "encoding/binary"

// Offer is a node's room for tasks of one job, as its agent has it free. CPU and named resources count in 1/10,000.
type Offer struct {
	Epoch  uint32 // of the job's coordinator, as far as the agent knows it; 0 for any
	Number uint64 // counts the agent's offers to this job
	Node   string
	Most   int // tasks that it takes at once
	CPU    int64
	IO     int64
	Memory int64
	GPUs   int64
	Named  []Amount
	Labels []Label // of the node, in the order of their names
	Life   uint64  // random: one that is new says that the node has nothing of what it got before; 0 says nothing
	Taken  uint64  // number of the last batch that the agent had when it offered; 0 says nothing
	Shared bool    // the same room is offered to other jobs, of which the first that gives something gets it
}

// Label is a property of a node by which tasks may choose it.
type Label struct{ Name, Value string }

// Amount is so much of a named resource.
type Amount struct {
	Name string
	N    int64
}

// Append appends the message to dst.
func (o *Offer) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindOffer), o.Epoch)
	dst = binary.AppendUvarint(dst, o.Number)
	dst = appendText(dst, o.Node)
	for _, n := range [...]int64{int64(o.Most), o.CPU, o.IO, o.Memory, o.GPUs} {
		dst = appendNumber(dst, n)
	}
	dst = appendAmounts(dst, o.Named)
	dst = binary.AppendUvarint(dst, uint64(len(o.Labels)))
	for _, l := range o.Labels {
		dst = appendText(appendText(dst, l.Name), l.Value)
	}
	return appendBool(binary.AppendUvarint(binary.AppendUvarint(dst, o.Life), o.Taken), o.Shared)
}

// ReadOffer decodes an Offer. What a later minor version adds is passed over.
func ReadOffer(data []byte) (o Offer, err error) {
	c := open(data, kindOffer, "an offer")
	o.Epoch = c.u32("the epoch")
	o.Number = c.uvarint("the number")
	o.Node = c.text("the node")
	o.Most = c.integer("the tasks")
	o.CPU, o.IO = c.number("the CPUs"), c.number("the I/O places")
	o.Memory, o.GPUs = c.number("the memory"), c.number("the GPUs")
	o.Named = c.amounts()
	o.Labels = c.labels()
	o.Life = c.uvarint("the life")
	o.Taken = c.uvarint("the last batch")
	o.Shared = c.bool("whether it is shared")
	c.skip()
	return o, c.end("an offer")
}

func appendAmounts(dst []byte, list []Amount) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, a := range list {
		dst = appendText(dst, a.Name)
		dst = appendNumber(dst, a.N)
	}
	return dst
}

func (c *cursor) amounts() []Amount {
	n := c.count(2, "the resources")
	if n == 0 {
		return nil
	}
	list := make([]Amount, n)
	for i := range list {
		list[i] = Amount{c.text("the name of a resource"), c.number("the amount of a resource")}
	}
	return list
}

func (c *cursor) labels() []Label {
	n := c.count(2, "the labels")
	if n == 0 {
		return nil
	}
	list := make([]Label, n)
	for i := range list {
		list[i] = Label{c.text("the name of a label"), c.text("the value of a label")}
	}
	return list
}
