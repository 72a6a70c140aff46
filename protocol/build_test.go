package protocol

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"
)

// A message put together piece by piece has the bytes of one that is made at once.
func TestBuildsTheSameBytes(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 1000} {
		want := benchOutcomes(n)
		var list OutcomeList
		for i := range want.List {
			list.Add(&want.List[i])
		}
		if got := list.Append(nil, want.Epoch, want.Node); !bytes.Equal(got, want.Append(nil)) || list.Count() != n {
			t.Errorf("%d outcomes differ", n)
		}
		items := make([]Item, n)
		var built ItemList
		for i := range items {
			items[i] = Accept{uint64(i) << 20}
			built.Add(items[i])
		}
		up, down := Up{Epoch: 3, Node: "n1", Items: items}, Down{Epoch: 3, Items: items}
		if !bytes.Equal(built.AppendUp(nil, 3, "n1"), up.Append(nil)) || !bytes.Equal(built.AppendDown(nil, 3), down.Append(nil)) {
			t.Errorf("%d items differ", n)
		}
	}
}

func TestAddWithin(t *testing.T) {
	var list OutcomeList
	o := &benchOutcomes(1).List[0]
	for list.AddWithin(o, 1000) {
	}
	if n := len(o.Append(nil)); list.Count() != 1000/n || list.Size() != list.Count()*n {
		t.Errorf("%d outcomes of %d bytes in %d", list.Count(), n, list.Size())
	}
	var items ItemList
	for items.AddWithin(Call{Kind: CallPut, Arg: make([]byte, 100)}, 1000) {
	}
	if got, err := ReadUp(items.AppendUp(nil, 1, "n")); err != nil || len(got.Items) != items.Count() || items.Size() > 1000 {
		t.Errorf("%d items, %v", items.Count(), err)
	}
	items.Reset()
	list.Reset()
	if items.Count()+items.Size()+list.Count()+list.Size() != 0 {
		t.Error("not empty after Reset")
	}
}

func TestTextFailure(t *testing.T) {
	if got := hex.EncodeToString(TextFailure("no").Data); got != "da6d65727285626e6ff6f6f6f6" {
		t.Errorf("got %s", got) // the example of docs/protocol.md
	}
	for _, n := range []int{23, 24, 255, 256, 100_000} {
		v := TextFailure(strings.Repeat("ä", n/2+1)[1:])
		head := map[byte]int{0x78: 8, 0x79: 9}[v.Data[6]]
		if len(v.Data) > MaxInline || v.Form != Failure || !utf8.Valid(v.Data[max(head, 7):len(v.Data)-4]) {
			t.Errorf("%d bytes for a text of %d", len(v.Data), n)
		}
	}
}
