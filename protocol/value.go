package protocol

import "encoding/binary"

// Form says how a Value is given.
type Form byte

// The forms of a Value.
const (
	Inline  Form = iota + 1 // Data is the encoded value
	Object                  // it lies in a sealed file: ID, Size and Node
	List                    // a slice, one Value for each element: what Gather gives
	Element                 // element Index of the slice that Of gives, which has Count elements: what Split gives
	Failure                 // there is none: Data is the encoded error
)

// MaxInline is the most bytes that a value travels in inside a message; a longer one is an Object. Decoders don't insist.
const MaxInline = 64 << 10

// maxNesting bounds how deep Values stand in each other.
const maxNesting = 64

// minValue is the least that a value takes: its form and a length.
const minValue = 1 + 1

// Value is a result, or where it lies.
type Value struct {
	Form  Form
	Data  []byte
	ID    string // Object: its content hash, in hexadecimal digits
	Size  int64  // Object: in bytes
	Node  string // Object: where it was made, a hint
	Parts []Value
	Index int
	Count int
}

// Append appends the value to a message.
func (v *Value) Append(dst []byte) []byte {
	dst = append(dst, byte(v.Form))
	switch v.Form {
	case Object:
		dst = appendText(dst, v.ID)
		dst = appendNumber(dst, v.Size)
		dst = appendText(dst, v.Node)
	case List:
		dst = binary.AppendUvarint(dst, uint64(len(v.Parts)))
		for i := range v.Parts {
			dst = v.Parts[i].Append(dst)
		}
	case Element:
		dst = appendNumber(appendNumber(dst, int64(v.Index)), int64(v.Count))
		dst = v.Parts[0].Append(dst)
	default:
		dst = appendBytes(dst, v.Data)
	}
	return dst
}

func (c *cursor) value(v *Value, depth int) {
	if depth > maxNesting {
		c.fail("a value nested too deep")
		return
	}
	v.Form = Form(c.byte("the form of a value"))
	switch v.Form {
	case Inline, Failure:
		v.Data = c.bytes("a value")
	case Object:
		v.ID = c.text("the id of an object")
		v.Size = c.number("the size of an object")
		v.Node = c.text("the node of an object")
	case List:
		c.list(v, depth)
	case Element:
		v.Index, v.Count = c.integer("the index of an element"), c.integer("the number of elements")
		if c.err == nil && v.Index >= v.Count {
			c.fail("the index of an element")
		}
		v.Parts = make([]Value, 1)
		c.value(&v.Parts[0], depth+1)
	default:
		c.fail("the form of a value")
	}
}

// list has room only for parts that can still come, after those that the lists around it wait for: otherwise each level
// could claim all that is left.
func (c *cursor) list(v *Value, depth int) {
	n := c.count(minValue, "the parts of a value")
	if n > c.left()/minValue-c.pending {
		c.fail("the parts of a value")
		return
	}
	if n == 0 {
		return
	}
	c.pending += n
	v.Parts = make([]Value, n)
	for i := 0; i < n && c.err == nil; i++ {
		c.pending--
		c.value(&v.Parts[i], depth+1)
	}
}
