package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// claim is a count or a length that nothing follows.
func claim(n uint64) string { return string(binary.AppendUvarint(nil, n)) }

const (
	huge      = 1 << 40
	key16     = "0123456789abcdef"
	headBatch = "\x02\x00\x00\x00\x00\x00"
	headUp    = "\x04\x00\x00\x00\x00\x00\x01" // with one item
	headTask  = headBatch + "\x01\x01\x01" + key16 + "\x00"
	needTask  = headTask + "\x00" + "\x00\x00\x00\x00\x00" + "\x00\x00" // then Deps
	headDone  = "\x03\x00\x00\x00\x00\x00\x01\x01\x01" + key16          // then the status
)

func item(kind byte, body string) string { return string([]byte{kind, byte(len(body))}) + body }

func TestMalformed(t *testing.T) {
	dep := func(value string) string { return needTask + "\x01" + key16 + value + "\x00" }
	call := func(kind byte, from string) string {
		return headUp + item(itemCall, "\x01\x01\x01"+string([]byte{kind, 0, 0, 0, 0})+from)
	}
	tooMuch := claim(1 << 63)
	for _, c := range []struct{ form, data, want string }{
		{"Batch", "", "the kind"},
		{"Batch", "\x01", "it isn't a batch"},
		{"Batch", "\x02\x00\x00", "the epoch"},
		{"Batch", headBatch + claim(huge), "the tasks"},
		{"Batch", headBatch + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "the tasks"},
		{"Batch", headBatch + "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "the tasks"},
		{"Batch", headBatch + "\x01\x01" + claim(1<<32) + key16 + "\x00\x10\x00", "the attempt of a task"},
		{"Batch", headTask + "\x10" + claim(huge), "the argument of a task"},
		{"Batch", headTask + "\x00" + tooMuch, "the CPUs of a need"},
		{"Batch", headTask + "\x00" + "\x00\x00\x00\x00" + claim(huge), "the resources"},
		{"Batch", needTask + claim(huge), "the values of a task"},
		{"Batch", dep("\x00\x00"), "the form of a value"},
		{"Batch", dep("\x06\x00"), "the form of a value"},
		{"Batch", dep("\x03" + claim(huge)), "the parts of a value"},
		{"Batch", dep("\x04\x01\x01\x01\x00"), "the index of an element"},
		{"Batch", dep("\x04\x00\x00\x01\x00"), "the index of an element"},
		{"Batch", dep("\x02\x00" + tooMuch + "\x00"), "the size of an object"},
		{"Batch", dep(strings.Repeat("\x03\x01", maxNesting+1) + "\x01\x00"), "nested too deep"},
		{"Batch", dep(strings.Repeat("\x04\x00\x01", maxNesting+1) + "\x01\x00"), "nested too deep"},
		{"Outcomes", headDone + "\x00\x00\x01\x00\x00", "the status of an outcome"},
		{"Outcomes", headDone + "\x04\x00\x01\x00\x00", "the status of an outcome"},
		{"Outcomes", headDone + "\x01\x00\x01\x00" + claim(huge), "the refs of an outcome"},
		{"Outcomes", headDone + "\x01\x00\x01\x00\x01\x0f" + key16, "a ref"},
		{"Outcomes", headDone + "\x01\x00\x01\x00\x01\x14" + key16, "a ref"},
		{"Outcomes", headDone + "\x01" + tooMuch + "\x01\x00\x00", "the time of an outcome"},
		{"Decisions", "\x06\x00\x00\x00\x00\x01" + claim(huge), "the decisions"},
		{"Decisions", "\x06\x00\x00\x00\x00\x01\x01" + key16 + "\x01" + claim(huge), "a decision"},
		{"Up", "\x04\x00\x00\x00\x00\x00" + claim(huge), "the items"},
		{"Up", headUp + "\x01" + claim(huge), "an item"},
		{"Up", headUp + item(itemAccept, ""), "the number of a batch"},
		{"Up", headUp + item(itemHeld, "0123456789abcdef\x02"), "whether it is gone"},
		{"Up", headUp + item(itemBlock, "\x01\x01\x02"), "whether it waits"},
		{"Up", headUp + item(itemBlock, "\x01\x01\x01\x02"), "whether the wait ends by itself"},
		{"Up", headUp + item(itemWant, "\x01\x01\x00\x01"), "a ref"},
		{"Up", call(0, "\x00\x00\x00\x00"), "the kind of a call"},
		{"Up", call(CallFail+1, "\x00\x00\x00\x00"), "the kind of a call"},
		{"Up", call(CallFrom, "\x00\x00\x00\x00"), "it takes one"},
		{"Up", call(CallElement, "\x03\x03\x01\x10"+key16+"\x00"), "the index of a call"},
		{"Up", call(CallGather, "\x00\x00"+claim(huge)+"\x00"), "the refs of a call"},
		{"Down", "\x05\x00\x00\x00\x00\x01" + item(itemSettle, "\x01\x01\x10"+key16+"\x03"+claim(99)), "the parts of a value"},
		{"Offer", "\x01\x00\x00\x00\x00\x00" + claim(huge), "the node"},
		{"Offer", "\x01\x00\x00\x00\x00\x00\x00" + tooMuch + "\x00\x00\x00\x00\x00\x00", "the tasks"},
		{"Hello", "\x01", "the minor version"},
		{"Hello", "\x01\x00\x01" + claim(huge), "the names of the functions"},
		{"Hello", "\x01\x00" + tooMuch, "the process"},
		{"Welcome", "\x01\x00\x00\x00\x02\x01", "the names of the functions"},
		{"Log", "\x01\x01" + claim(huge), "the text of a task"},
	} {
		_, err := readAny(t, c.form, []byte(c.data))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %x: %v, want %q", c.form, c.data, err, c.want)
		}
	}
}

// readAny decodes data, and fails the test if that takes more memory than the package's comment says.
func readAny(t *testing.T, name string, data []byte) (message, error) {
	for _, f := range forms {
		if f.name == name {
			return f.frugal(t, data)
		}
	}
	t.Fatal("no form", name)
	return nil, nil
}

func (f form) frugal(t *testing.T, data []byte) (message, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := f.read(data)
	runtime.ReadMemStats(&after)
	// The other goroutines of the test take some, too.
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(64*len(data)+64<<10) {
		t.Fatalf("%d bytes of %s allocate %d", len(data), f.name, used)
	}
	return m, err
}

// Messages that take as much memory as they can.
func TestMemory(t *testing.T) {
	const n = 1 << 18
	dep := needTask + "\x01" + key16
	outcomes := "\x03\x00\x00\x00\x00\x00" + claim(1)
	for name, data := range map[string]string{
		"Batch, a flat list":           dep + "\x03" + claim(n) + strings.Repeat("\x01\x00", n) + "\x00",
		"Batch, lists that claim all":  dep + strings.Repeat("\x03"+claim(n-1000), maxNesting) + strings.Repeat("\x01\x00", n) + "\x00",
		"Batch, lists of empty lists":  dep + "\x03" + claim(n) + strings.Repeat("\x03\x00", n) + "\x00",
		"Batch, tasks":                 headBatch + claim(n) + strings.Repeat("\x01\x01"+key16+"\x00\x10\x00", n),
		"Batch, a claim and no tasks":  headBatch + claim(n) + strings.Repeat("\xff", n),
		"Batch, resources":             headTask + "\x00\x00\x00\x00\x00" + claim(n) + strings.Repeat("\x00\x00", n),
		"Outcomes, refs":               outcomes + headDone[7:] + "\x01\x00\x01\x00" + claim(n) + strings.Repeat("\x10"+key16, n),
		"Decisions, a claim and none":  "\x06\x00\x00\x00\x00\x01" + claim(n) + strings.Repeat("\xff", n),
		"Up, quits":                    headUp[:6] + claim(n) + strings.Repeat(item(itemQuit, ""), n),
		"Up, items that nobody knows":  headUp[:6] + claim(n) + strings.Repeat(item(200, ""), n),
		"Up, the shortest calls":       headUp[:6] + claim(n) + strings.Repeat(item(itemCall, "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"), n),
		"Hello, functions":             "\x01\x00\x00" + claim(n) + strings.Repeat("\x00", n),
		"Hello, names of half a batch": "\x01\x00\x00" + claim(n) + strings.Repeat("\x01", n),
	} {
		form, _, _ := strings.Cut(name, ",")
		if _, err := readAny(t, form, []byte(data)); err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNesting(t *testing.T) {
	data := needTask + "\x01" + key16 + strings.Repeat("\x03\x01", maxNesting) + "\x01\x00" + "\x00"
	if _, err := ReadBatch([]byte(data)); err != nil {
		t.Errorf("%d lists in each other: %v", maxNesting, err)
	}
}

// A number that is too large for this machine isn't taken for a small one.
func TestLargerMachine(t *testing.T) {
	n := claim(1<<32 + 5)
	b, err := ReadBatch([]byte(needTask + "\x01" + key16 + "\x04" + n + claim(1<<33) + "\x01\x00" + "\x00"))
	o, errOffer := ReadOffer([]byte("\x01\x00\x00\x00\x00\x00\x00" + n + "\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	h, errHello := ReadHello([]byte("\x01\x00" + n + "\x00"))
	if strconv.IntSize == 32 {
		for _, err := range []error{err, errOffer, errHello} {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("it is read: %v", err)
			}
		}
		return
	}
	if err := errors.Join(err, errOffer, errHello); err != nil {
		t.Fatal(err)
	}
	for _, got := range []int{b.Tasks[0].Deps[0].Value.Index, o.Most, h.PID} {
		if strconv.Itoa(got) != "4294967301" {
			t.Errorf("it reads %d", got)
		}
	}
}

// What a later minor version adds is passed over: kinds of items, and fields at the end of those that are known.
func TestLaterMinor(t *testing.T) {
	data := "\x04\x03\x00\x00\x00\x00\x05" +
		item(63, "who knows") + item(itemStarted, "\x07\x01"+"more") + item(200, "") +
		item(itemCall, "\x07\x01\x01\x07\x00\x00\x00\x00\x00\x00\x00\x01\xf6"+"more") + item(itemAccept, "\x09\x80")
	u, err := ReadUp([]byte(data))
	want := &Up{Epoch: 3, Items: []Item{
		Started{Attempt{7, 1}}, Call{By: Attempt{7, 1}, Seq: 1, Kind: CallPut, Arg: []byte{0xf6}}, Accept{9},
	}}
	if err != nil || show(&u) != show(want) {
		t.Errorf("up reads %s, %v", show(&u), err)
	}
	d, err := ReadDown([]byte("\x05\x03\x00\x00\x00\x02" + item(99, "?") + item(itemQuit, "more")))
	if err != nil || show(&d) != "Down{Epoch:3 Items:[Quit{}]}" {
		t.Errorf("down reads %s, %v", show(&d), err)
	}
	if u, err := ReadUp([]byte(headUp + item(200, "x"))); err != nil || len(u.Items) != 0 {
		t.Errorf("an item that nobody knows reads %v, %v", u, err)
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		major, minor int
		ok           bool
	}{
		{Major, Minor, true}, {Major, Minor + 1, true}, {Major, 255, true}, {Major + 1, 0, false}, {0, 3, false},
	} {
		// Another major version may lay out the rest in any way.
		hello := []byte{byte(c.major), byte(c.minor), 0xff}
		if c.ok {
			hello = (&Hello{Major: c.major, Minor: c.minor}).Append(nil)
		}
		welcome := bytes.Clone(hello)
		if c.ok {
			welcome = (&Welcome{Major: c.major, Minor: c.minor}).Append(nil)
		}
		h, errHello := ReadHello(hello)
		w, errWelcome := ReadWelcome(welcome)
		if h.Major != c.major || h.Minor != c.minor || w.Major != c.major || w.Minor != c.minor {
			t.Errorf("%d.%d reads %+v and %+v", c.major, c.minor, h, w)
		}
		for _, err := range []error{errHello, errWelcome} {
			var v *VersionError
			if c.ok && err != nil || !c.ok && (!errors.As(err, &v) || v.Peer.Major != c.major) {
				t.Errorf("%d.%d: %v", c.major, c.minor, err)
			}
		}
	}
}

// Heads and agents understand their own major version and the one before, and the line for another names both and what is
// to be upgraded.
func TestCheckVersion(t *testing.T) {
	for _, c := range []struct {
		self, peer, minor int
		want              string
	}{
		{1, 1, 0, ""}, {1, 1, 9, ""}, {2, 2, 0, ""}, {2, 1, 7, ""}, {9, 8, 0, ""},
		{1, 0, 0, "this program speaks version 0.0 of the protocol, and the head speaks 1.0: upgrade this program"},
		{1, 2, 3, "this program speaks version 2.3 of the protocol, and the head speaks 1.0: upgrade the head"},
		{3, 1, 4, "this program speaks version 1.4 of the protocol, and the head speaks 3.0 and understands 2: upgrade this program"},
		{3, 4, 0, "this program speaks version 4.0 of the protocol, and the head speaks 3.0 and understands 2: upgrade the head"},
	} {
		err := CheckVersion(Side{"this program", c.peer, c.minor}, Side{"the head", c.self, 0})
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%d hears %d.%d: %v, want %q", c.self, c.peer, c.minor, err, c.want)
		}
	}
}

// Who is spoken to hears the older one of both versions.
func TestAgreed(t *testing.T) {
	for _, c := range [][4]int{
		{Major, Minor, Major, Minor}, {Major, Minor + 1, Major, Minor}, {Major + 1, 0, Major, Minor}, {Major - 1, 7, Major - 1, 7},
	} {
		if major, minor := Agreed(c[0], c[1]); major != c[2] || minor != c[3] {
			t.Errorf("with %d.%d it is %d.%d", c[0], c[1], major, minor)
		}
	}
}
