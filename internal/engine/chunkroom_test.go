package engine

import "testing"

// A chunk's memory that is used again holds nothing of what users' values point at.
func TestChunkRoom(t *testing.T) {
	numbers := &Fn[int, float64]{Spec: Spec{reg: &registration{}}}
	n := numbers.takeRoom()
	n.items = make([]int, 3)
	if got := n.results(5); len(got) != 5 {
		t.Errorf("room for %d results", len(got))
	}
	kept := &n.results(5)[0]
	n.data = make([]byte, 1, 100)
	numbers.keepRoom(n)
	if len(n.items) != 3 || cap(n.data) != 100 || len(n.results(4)) != 4 || &n.results(4)[0] != kept {
		t.Error("the memory for numbers isn't kept")
	}
	n.data = make([]byte, maxRoom+1)
	if numbers.keepRoom(n); n.data != nil {
		t.Error("a long result stays in memory")
	}
	mixed := &Fn[string, []byte]{Spec: Spec{reg: &registration{}}}
	m := mixed.takeRoom()
	m.items, m.data = []string{"a"}, []byte{1}
	m.results(1)[0] = []byte{2}
	if mixed.keepRoom(m); m.items != nil || m.outs != nil || len(m.data) != 1 {
		t.Error("users' values stay in memory")
	}
}
