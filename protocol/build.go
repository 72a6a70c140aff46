package protocol

import "encoding/binary"

// OutcomeList is an Outcomes message that is put together outcome by outcome, by one who doesn't keep them. The zero
// value is empty. Append may be called more than once; Reset keeps the memory.
type OutcomeList struct {
	body []byte
	n    int
}

// Add appends an outcome.
func (l *OutcomeList) Add(o *Outcome) { l.body, l.n = o.Append(l.body), l.n+1 }

// AddWithin is Add, unless the list's Size would then be above limit: then the list stays as it was.
func (l *OutcomeList) AddWithin(o *Outcome, limit int) bool {
	had := len(l.body)
	l.body = o.Append(l.body)
	if len(l.body) > limit {
		l.body = l.body[:had]
		return false
	}
	l.n++
	return true
}

// Count is how many outcomes there are, and Size how many bytes they take; the message's head adds some 20, and the
// node's name.
func (l *OutcomeList) Count() int { return l.n }

// Size is how many bytes the outcomes take.
func (l *OutcomeList) Size() int { return len(l.body) }

// Append appends the message to dst.
func (l *OutcomeList) Append(dst []byte, epoch uint32, node string) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindOutcomes), epoch)
	dst = binary.AppendUvarint(appendText(dst, node), uint64(l.n))
	return append(dst, l.body...)
}

// Reset makes the list empty.
func (l *OutcomeList) Reset() { l.body, l.n = l.body[:0], 0 }

// ItemList is the same for the items of an Up or a Down.
type ItemList struct {
	body []byte
	n    int
}

// Add appends an item.
func (l *ItemList) Add(i Item) { l.body, l.n = appendItem(l.body, i), l.n+1 }

// AddWithin is Add, unless the list's Size would then be above limit: then the list stays as it was.
func (l *ItemList) AddWithin(i Item, limit int) bool {
	had := len(l.body)
	l.body = appendItem(l.body, i)
	if len(l.body) > limit {
		l.body = l.body[:had]
		return false
	}
	l.n++
	return true
}

// Count is how many items there are.
func (l *ItemList) Count() int { return l.n }

// Size is how many bytes the items take.
func (l *ItemList) Size() int { return len(l.body) }

// AppendUp appends them as an Up to dst.
func (l *ItemList) AppendUp(dst []byte, epoch uint32, node string) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindUp), epoch)
	dst = binary.AppendUvarint(appendText(dst, node), uint64(l.n))
	return append(dst, l.body...)
}

// AppendDown appends them as a Down to dst.
func (l *ItemList) AppendDown(dst []byte, epoch uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kindDown), epoch)
	dst = binary.AppendUvarint(dst, uint64(l.n))
	return append(dst, l.body...)
}

// Reset makes the list empty.
func (l *ItemList) Reset() { l.body, l.n = l.body[:0], 0 }
