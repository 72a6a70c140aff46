package agent

import "time"

// kept are messages that the stream has confirmed: until the head has synced its disk a power cut may take them. The zero
// value is empty. Not for concurrent use.
type kept struct {
	list []flight // by the time of their confirmation
	size int
}

const (
	keepConfirmed = 10 * time.Second // the head syncs its journals every second
	maxKept       = 16 << 20         // bytes, of each job
)

func (k *kept) add(data []byte, now time.Time) {
	k.list = append(k.list, flight{data, now})
	k.size += len(data)
	k.trim(now)
}

// trim lets go of what is on the head's disk by now, and of the oldest of what is too much.
func (k *kept) trim(now time.Time) {
	n := 0
	for n < len(k.list) && (k.size > maxKept || now.Sub(k.list[n].at) > keepConfirmed) {
		k.size -= len(k.list[n].data)
		n++
	}
	clear(k.list[:n])
	if k.list = k.list[n:]; len(k.list) == 0 {
		k.list = nil
	}
}

// take takes all out.
func (k *kept) take() (all [][]byte) {
	for i := range k.list {
		all = append(all, k.list[i].data)
	}
	*k = kept{}
	return all
}
