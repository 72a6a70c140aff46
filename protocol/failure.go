package protocol

import (
	"encoding/binary"
	"strings"
)

// maxFailureText keeps a Failure below MaxInline.
const maxFailureText = 60 << 10

// TextFailure is a Failure whose error is a text and nothing else: what an agent says of a task that didn't come to run.
func TextFailure(text string) Value {
	if len(text) > maxFailureText {
		text = text[:maxFailureText]
	}
	text = strings.ToValidUTF8(text, "")
	data := make([]byte, 0, len(text)+16)
	data = append(data, 0xda, 'm', 'e', 'r', 'r', 0x85) // the tag of errors, an array of five
	switch n := len(text); {
	case n < 24:
		data = append(data, 0x60|byte(n))
	case n < 1<<8:
		data = append(data, 0x78, byte(n))
	default:
		data = binary.BigEndian.AppendUint16(append(data, 0x79), uint16(n))
	}
	data = append(data, text...)
	return Value{Form: Failure, Data: append(data, 0xf6, 0xf6, 0xf6, 0xf6)}
}
