package fingerprint

import "encoding/binary"

// byteOrder is what an ELF header says.
func byteOrder(head []byte) binary.ByteOrder {
	const dataAt, bigEndian = 5, 2
	if head[dataAt] == bigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}
