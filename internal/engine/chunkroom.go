package engine

import "reflect"

// chunkRoom is a worker's memory for the items of a chunk, their results, and these encoded. The next chunk of the function
// uses it again, items and results only if they are numbers: others could be of more than their task in it.
type chunkRoom[In, Out any] struct {
	items []In
	outs  []Out
	data  []byte
}

// maxRoom is how long encoded results may be for their memory to be kept.
const maxRoom = 1 << 20

func (f *Fn[In, Out]) takeRoom() *chunkRoom[In, Out] {
	if room, ok := f.reg.rooms.Get().(*chunkRoom[In, Out]); ok {
		return room
	}
	return &chunkRoom[In, Out]{}
}

// keepRoom is called when nobody needs what is in it any more.
func (f *Fn[In, Out]) keepRoom(m *chunkRoom[In, Out]) {
	if !isNumber[In]() {
		m.items = nil
	}
	if !isNumber[Out]() {
		m.outs = nil
	}
	if cap(m.data) > maxRoom {
		m.data = nil
	}
	f.reg.rooms.Put(m)
}

// results is room for so many results. What is in it may be an earlier chunk's.
func (m *chunkRoom[In, Out]) results(n int) []Out {
	if cap(m.outs) < n {
		m.outs = make([]Out, n)
	}
	m.outs = m.outs[:n]
	return m.outs
}

// forget clears a list that is used again, if what its elements point at would stay in memory else.
func forget[T any](list []T) {
	if !isNumber[T]() {
		clear(list)
	}
}

func isNumber[T any]() bool {
	k := reflect.TypeFor[T]().Kind()
	return reflect.Int <= k && k <= reflect.Float64
}
