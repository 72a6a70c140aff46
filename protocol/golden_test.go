package protocol

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

const goldenFile = "testdata/golden.txt"

const goldenHead = `# One line for each message: what it shows, its bytes in hexadecimal digits, its fields. Fields that are zero are left
# out; durations are in nanoseconds; bytes, keys and refs are in hexadecimal digits.
`

// vector is a message whose bytes are known.
type vector struct {
	name  string
	m     message
	frame FrameKind // 0: not in a frame
}

func golden() []vector {
	list := append(goldenBatches(), goldenOutcomes()...)
	list = append(list, goldenItems()...)
	list = append(list, vector{"decisions", &Decisions{Epoch: 3, Number: 2, List: []Decision{
		{Key: testKey(0x10), Kind: Began}, {Key: testKey(0x20), Kind: FailedForGood, Data: failure("no")},
	}}, 0})
	hello := &Hello{Major: 1, PID: 4242, Functions: []string{"grüße", "geo.read"}}
	welcome := &Welcome{Major: 1, Job: "j1", Node: "n1", Functions: []string{"geo.read", "grüße"}}
	log := &Log{Attempt{300, 2}, "half way"}
	task := Task{ID: 300, Attempt: 1, Key: testKey(0x10), Func: 1, Need: Need{CPU: oneCPU}, Arg: []byte{0x18, 0x2a}}
	done := Outcome{ID: 300, Attempt: 1, Key: testKey(0x10), Status: Succeeded, Took: 1500, Value: inline(0x18, 0x2b)}
	return append(list,
		vector{"hello", hello, 0},
		vector{"welcome", welcome, 0},
		vector{"log", log, 0},
		vector{"frame hello", hello, FrameHello},
		vector{"frame welcome", welcome, FrameWelcome},
		vector{"frame tasks", &Batch{Tasks: []Task{task}}, FrameTasks},
		vector{"frame outcomes", &Outcomes{List: []Outcome{done}}, FrameOutcomes},
		vector{"frame items", &Up{Items: []Item{Block{Attempt{300, 1}, true, false}}}, FrameItems},
		vector{"frame down", &Down{Items: []Item{Stop{Attempt{300, 1}, false, 5 * time.Second}}}, FrameDown},
		vector{"frame log", log, FrameLog},
		vector{"frame ping", nil, FramePing},
		vector{"frame pong", nil, FramePong},
		vector{"frame quit", nil, FrameQuit},
	)
}

func goldenBatches() []vector {
	one := Need{CPU: oneCPU}
	dep := func(v Value) Task {
		return Task{ID: 1, Attempt: 1, Key: testKey(1), Need: one, Deps: []Dep{{testKey(0x20), v}}}
	}
	ref := append([]byte{0xda, 'm', 'r', 'e', 'f', 0x50}, bytes.Repeat([]byte{0x20}, 16)...)
	withRef := Task{ID: 2, Attempt: 3, Key: testKey(2), Func: 128, Flags: Once | Items, Need: one, Timeout: time.Second, Arg: ref}
	withRef.Deadline = math.MaxInt64
	withRef.Deps = []Dep{{Key(bytes.Repeat([]byte{0x20}, 16)), Value{Form: Inline, Data: []byte{0xf5}}}}
	part := Value{Form: Inline, Data: []byte{7}}
	return []vector{
		{"offer", &Offer{Epoch: 3, Number: 9, Node: "n1", Most: 64, CPU: 20_000, IO: 1000, Memory: 1 << 33, GPUs: 1, Named: []Amount{{"license", 5000}}, Labels: []Label{{"zone", "a"}}, Life: 77, Taken: 4, Shared: true}, 0},
		{"offer least", &Offer{}, 0},
		{"batch none", &Batch{Epoch: 3}, 0},
		{"batch kept", &Batch{Epoch: 3, Number: Kept}, 0},
		{"batch plain", &Batch{Epoch: 3, Number: 11, Tasks: []Task{
			{ID: 1, Attempt: 1, Key: testKey(0), Need: one, Arg: []byte{1}},
			{ID: 300, Attempt: 2, Key: testKey(0x10), Func: 1, Flags: Alone, Need: one, Arg: []byte{0x18, 0x2a}},
		}}, 0},
		{"batch need", &Batch{Number: 12, Tasks: []Task{
			{ID: 5, Attempt: 1, Flags: Isolated, Need: Need{CPU: 5000, IO: 1, Memory: 1 << 30, GPUs: 1, Named: []Amount{{"license", 10_000}}}, Arg: []byte{0xf6}},
		}}, 0},
		{"batch refs", &Batch{Number: 13, Tasks: []Task{withRef}}, 0},
		{"batch uncached", &Batch{Number: 17, Tasks: []Task{{ID: 1, Attempt: 1, Key: testKey(1), Flags: Uncached, Need: one, Arg: []byte{1}}}}, 0},
		{"batch partial", &Batch{Number: 18, Tasks: []Task{{ID: 1, Attempt: 1, Key: testKey(1), Flags: Items | Partial, Need: one, Arg: []byte{0x81, 1}}}}, 0},
		{"batch early", &Batch{Number: 19, Tasks: []Task{{ID: 1, Attempt: 1, Key: testKey(1), Flags: Early, Need: one, Arg: []byte{1}}}}, 0},
		{"batch from object", &Batch{Number: 14, Tasks: []Task{dep(Value{Form: Object, ID: "ab12", Size: 1 << 20, Node: "n2"})}}, 0},
		{"batch from list", &Batch{Number: 15, Tasks: []Task{dep(Value{Form: List, Parts: []Value{part, {Form: Object, ID: "ab12", Size: 9}}})}}, 0},
		{"batch from element", &Batch{Number: 16, Tasks: []Task{dep(Value{Form: Element, Index: 1, Count: 3, Parts: []Value{{Form: Inline, Data: []byte{0x83, 1, 2, 3}}}})}}, 0},
	}
}

func inline(data ...byte) Value { return Value{Form: Inline, Data: data} }

// failure is an encoded error with a text and nothing else.
func failure(text string) []byte {
	data := append([]byte{0xda, 'm', 'e', 'r', 'r', 0x85, 0x60 + byte(len(text))}, text...)
	return append(data, 0xf6, 0xf6, 0xf6, 0xf6)
}

func goldenOutcomes() []vector {
	done := Outcome{ID: 300, Attempt: 1, Key: testKey(0x10), Status: Succeeded, Took: 1500, Value: inline(0x18, 0x2b)}
	failed := Outcome{ID: 301, Attempt: 2, Key: testKey(0x20), Status: Failed, Took: 1_000_000}
	failed.Value = Value{Form: Failure, Data: failure("no")}
	canceled := Outcome{ID: 302, Attempt: 1, Status: Canceled, Value: Value{Form: Failure, Data: failure("canceled")}}
	call := CallRef(300, 1, 2)
	refs := done
	refs.Refs = []RefID{KeyRef(testKey(0x30)), call}
	refs.Value.Data = append([]byte{0xda, 'm', 'r', 'e', 'f', 0x54}, call...)
	return []vector{
		{"outcomes none", &Outcomes{Epoch: 3, Node: "n1"}, 0},
		{"outcomes", &Outcomes{Epoch: 3, Node: "n1", List: []Outcome{done, failed, canceled}}, 0},
		{"outcomes refs", &Outcomes{Epoch: 3, Node: "n1", List: []Outcome{refs}}, 0},
		{"outcomes items", &Outcomes{Epoch: 3, Node: "n1", List: []Outcome{
			{ID: 1, Attempt: 1, Status: Succeeded, Value: Value{Form: List, Parts: []Value{{Form: Inline, Data: []byte{7}}, {Form: Failure, Data: failure("no")}}}},
		}}, 0},
		{"outcomes object", &Outcomes{Epoch: 3, Node: "n1", List: []Outcome{
			{ID: 1, Attempt: 1, Status: Succeeded, Value: Value{Form: Object, ID: "ab12", Size: 1 << 20, Node: "n1"}},
		}}, 0},
	}
}

func goldenItems() []vector {
	by := Attempt{300, 1}
	key, call := KeyRef(testKey(0x30)), CallRef(300, 1, 2)
	terms := &Terms{
		Need: Need{CPU: oneCPU, Memory: 1 << 20}, Retries: 3, First: time.Second, Max: time.Minute, Timeout: time.Hour,
		Priority: -2, Version: "v3",
	}
	up := func(name string, items ...Item) vector {
		return vector{"up " + name, &Up{Epoch: 3, Node: "n1", Items: items}, 0}
	}
	down := func(name string, items ...Item) vector {
		return vector{"down " + name, &Down{Epoch: 3, Items: items}, 0}
	}
	return []vector{
		up("none"),
		up("accept", Accept{11}),
		up("give back", GiveBack{by, NotStarted, false, ""}, GiveBack{Attempt{301, 2}, WorkerDied, true, "signal: killed"}),
		up("give back in turn", GiveBack{by, Returned, false, "taken back"}),
		up("started", Started{by}),
		up("call func", Call{
			By: by, Seq: 1, Kind: CallFunc, Func: 2, Refs: []RefID{key}, Arg: append([]byte{0xda, 'm', 'r', 'e', 'f', 0x50}, key...),
		}),
		up("call terms", Call{By: by, Seq: 2, Kind: CallFunc, Lazy: true, Terms: terms, Arg: []byte{1}}),
		up("call own process", Call{By: by, Seq: 2, Kind: CallFunc, Terms: &Terms{Once: true, Isolated: true}, Arg: []byte{1}}),
		up("call where", Call{
			By: by, Seq: 2, Kind: CallFunc, Terms: &Terms{Need: Need{CPU: oneCPU}, Uncached: true, Where: "zone=a,!spot"}, Arg: []byte{1},
		}),
		up("call from", Call{By: by, Seq: 3, Kind: CallFrom, Func: 2, Refs: []RefID{call}}),
		up("call items", Call{By: by, Seq: 4, Kind: CallItems, Map: 1, First: 128, Arg: []byte{0x82, 1, 2}}),
		up("call gather", Call{By: by, Seq: 5, Kind: CallGather, Refs: []RefID{key, call}}),
		up("call element", Call{By: by, Seq: 6, Kind: CallElement, Index: 1, Count: 3, Refs: []RefID{key}}),
		up("call flatten", Call{By: by, Seq: 7, Kind: CallFlatten, Refs: []RefID{call}}),
		up("call put", Call{By: by, Seq: 8, Kind: CallPut, Arg: []byte{0x61, 'x'}}),
		up("call fail", Call{By: by, Seq: 9, Kind: CallFail, Arg: failure("no")}),
		up("want", Want{by, call, true}, Want{by, key, false}),
		up("cancel", Cancel{by, call}),
		up("held", Held{Key: Key{1, 2, 15: 16}}, Held{Key: Key{15: 1}, Gone: true}, Held{Key: Key{15: 2}, Life: 300}),
		up("block", Block{by, true, false}, Block{by, true, true}, Block{by, false, false}),
		down("none"),
		down("settle", Settle{by, call, Value{Form: Inline, Data: []byte{7}}}, Settle{by, key, Value{Form: Failure, Data: failure("no")}}),
		down("stop", Stop{by, false, 5 * time.Second}, Stop{by, true, 0}),
		down("take back", TakeBack{by}),
		down("quit", Quit{}),
		down("begin", Begin{by}),
		down("hold", Hold{Need{CPU: 4 * oneCPU, Named: []Amount{{"seat", 5}}}, 10 * time.Second}, Hold{}),
	}
}

func (v vector) bytes() []byte {
	if v.frame == 0 {
		return v.m.Append(nil)
	}
	if v.m == nil {
		return AppendFrame(nil, v.frame, nil)
	}
	return AppendFrame(nil, v.frame, v.m.Append)
}

// read decodes data as it decodes the vector's own bytes.
func (v vector) read(data []byte) (message, error) {
	if v.frame != 0 {
		kind, body, err := NewFrameReader(bytes.NewReader(data)).Next()
		if err != nil || v.m == nil {
			return nil, err
		}
		if kind != v.frame {
			return nil, fmt.Errorf("frame of kind %d", kind)
		}
		data = body
	}
	return formOf(v.m).read(data)
}

// The bytes of each message. A line that changes is a change of the protocol.
func TestGolden(t *testing.T) {
	var b strings.Builder
	b.WriteString(goldenHead)
	for _, v := range golden() {
		fields := fmt.Sprintf("frame %d", v.frame)
		if v.m != nil {
			fields = show(v.m)
		}
		fmt.Fprintf(&b, "%-20s %x %s\n", v.name, v.bytes(), fields)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(goldenFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	wantLines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(b.String(), "\n") {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Fatalf("line %d is\n%s", i+1, line)
		}
	}
	if b.Len() != len(want) {
		t.Error("vectors are missing")
	}
}

// The bytes in the file are read as the fields that stand beside them.
func TestGoldenIsRead(t *testing.T) {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines[strings.TrimSpace(line[:20])] = strings.TrimSpace(line[21:])
		}
	}
	for _, v := range golden() {
		digits, fields, _ := strings.Cut(lines[v.name], " ")
		data, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		m, err := v.read(data)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
		} else if m != nil && show(m) != fields {
			t.Errorf("%s reads\n%s, want\n%s", v.name, show(m), fields)
		}
	}
}

// Nothing that is cut off is taken for a whole message.
func TestPrefixes(t *testing.T) {
	for _, v := range golden() {
		data := v.bytes()
		for n := range data {
			_, err := v.read(data[:n])
			ended := v.frame != 0 && (errors.Is(err, io.ErrUnexpectedEOF) || n == 0 && err == io.EOF) //nolint:errorlint // the bare end
			if !ended && !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, the first %d of %d bytes: %v", v.name, n, len(data), err)
			}
		}
	}
}

// A byte that is damaged gives an error or another message.
func TestDamage(t *testing.T) {
	for _, v := range golden() {
		data := v.bytes()
		for i, old := range data {
			for b := range 256 {
				data[i] = byte(b)
				if m, err := v.read(data); err == nil && m != nil {
					m.Append(nil)
				}
			}
			data[i] = old
		}
	}
}

// What a later minor version adds at the end of a message is passed over.
func TestLaterFields(t *testing.T) {
	for _, v := range golden() {
		if v.frame != 0 {
			continue
		}
		for _, more := range []string{"\x00", "\xff\xff\xff\xff", strings.Repeat("later", 1000)} {
			got, err := v.read(append(v.bytes(), more...))
			if err != nil || show(got) != show(v.m) {
				t.Errorf("%s and %.8q: %v, %v", v.name, more, got, err)
			}
		}
	}
}
