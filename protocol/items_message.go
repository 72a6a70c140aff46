package protocol

import "encoding/binary"

// Up is what a node's agent tells a job's coordinator; Down is the reverse. Sending one again changes nothing. The
// answer is empty: it says that the message was heard.
type (
	// Up goes to the job's UpSubject.
	Up struct {
		Epoch uint32
		Node  string
		Items []Item
	}
	// Down goes to the job's DownSubject.
	Down struct {
		Epoch uint32
		Items []Item
	}
)

// Append appends the message to dst.
func (u *Up) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindUp), u.Epoch)
	return appendItems(appendText(dst, u.Node), u.Items)
}

// ReadUp decodes an Up. Its items' bytes are data's.
func ReadUp(data []byte) (u Up, err error) {
	c := open(data, kindUp, "a message up")
	u.Epoch = c.u32("the epoch")
	u.Node = c.text("the node")
	u.Items = c.items()
	c.skip()
	return u, c.end("a message up")
}

// Append appends the message to dst.
func (d *Down) Append(dst []byte) []byte {
	return appendItems(binary.LittleEndian.AppendUint32(append(dst, kindDown), d.Epoch), d.Items)
}

// ReadDown decodes a Down. Its items' bytes are data's.
func ReadDown(data []byte) (d Down, err error) {
	c := open(data, kindDown, "a message down")
	d.Epoch = c.u32("the epoch")
	d.Items = c.items()
	c.skip()
	return d, c.end("a message down")
}

// appendItems gives each item its kind and its length before it, so that one that isn't known can be passed over.
func appendItems(dst []byte, items []Item) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(items)))
	for _, i := range items {
		dst = appendItem(dst, i)
	}
	return dst
}

func appendItem(dst []byte, i Item) []byte {
	dst = append(dst, i.kind(), 0)
	at := len(dst)
	return putLength(i.append(dst), at)
}

// putLength puts the length of what begins at at into the byte before it, and makes room there for a long one.
func putLength(dst []byte, at int) []byte {
	var room [binary.MaxVarintLen64]byte
	n := len(dst) - at
	head := room[:binary.PutUvarint(room[:], uint64(n))]
	if more := len(head) - 1; more > 0 {
		dst = append(dst, head[:more]...)
		copy(dst[at+more:], dst[at:at+n])
	}
	copy(dst[at-1:], head)
	return dst
}

func (c *cursor) items() []Item {
	n := c.count(2, "the items")
	if n == 0 {
		return nil
	}
	items := make([]Item, 0, n)
	for range n {
		kind := c.byte("the kind of an item")
		inner := cursor{data: c.bytes("an item"), err: c.err}
		i := inner.item(kind)
		if inner.err != nil {
			c.err = inner.err
			return nil
		}
		if i != nil {
			items = append(items, i) // what is left over was added by a later minor version
		}
	}
	return items
}
