package protocol

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// draw makes a message of each form.
var draw = map[string]func(*rapid.T) message{
	"Offer": func(t *rapid.T) message {
		return &Offer{
			drawUint32(t), drawUint64(t), drawText(t), rapid.IntMin(0).Draw(t, "int"),
			drawNumber(t), drawNumber(t), drawNumber(t), drawNumber(t), drawSome(t, drawAmount), drawSome(t, drawLabel),
			drawUint64(t), drawUint64(t), drawBool(t),
		}
	},
	"Batch":    func(t *rapid.T) message { return &Batch{drawUint32(t), drawUint64(t), drawSome(t, drawTask)} },
	"Outcomes": func(t *rapid.T) message { return &Outcomes{drawUint32(t), drawText(t), drawSome(t, drawOutcome)} },
	"Decisions": func(t *rapid.T) message {
		return &Decisions{drawUint32(t), drawUint64(t), drawSome(t, func(t *rapid.T) Decision {
			return Decision{drawKey(t), DecisionKind(rapid.Byte().Draw(t, "kind")), drawBytes(t)}
		})}
	},
	"Up":   func(t *rapid.T) message { return &Up{drawUint32(t), drawText(t), drawSome(t, drawItem)} },
	"Down": func(t *rapid.T) message { return &Down{drawUint32(t), drawSome(t, drawItem)} },
	"Hello": func(t *rapid.T) message {
		return &Hello{Major, drawMinor(t), rapid.IntMin(0).Draw(t, "int"), drawSome(t, drawText)}
	},
	"Welcome": func(t *rapid.T) message {
		return &Welcome{Major, drawMinor(t), drawText(t), drawText(t), drawSome(t, drawText)}
	},
	"Log": func(t *rapid.T) message { return &Log{drawAttempt(t), drawText(t)} },
}

func drawMinor(t *rapid.T) int              { return int(rapid.Byte().Draw(t, "minor")) }
func drawUint32(t *rapid.T) uint32          { return rapid.Uint32().Draw(t, "uint32") }
func drawUint64(t *rapid.T) uint64          { return rapid.Uint64().Draw(t, "uint64") }
func drawNumber(t *rapid.T) int64           { return rapid.Int64Min(0).Draw(t, "number") }
func drawDuration(t *rapid.T) time.Duration { return time.Duration(drawNumber(t)) }
func drawText(t *rapid.T) string            { return string(drawBytes(t)) }
func drawBytes(t *rapid.T) []byte           { return rapid.SliceOf(rapid.Byte()).Draw(t, "bytes") }
func drawBool(t *rapid.T) bool              { return rapid.Bool().Draw(t, "bool") }
func drawKey(t *rapid.T) Key                { return Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")) }
func drawAttempt(t *rapid.T) Attempt        { return Attempt{drawUint64(t), drawUint32(t)} }
func drawAmount(t *rapid.T) Amount          { return Amount{drawText(t), drawNumber(t)} }
func drawLabel(t *rapid.T) Label            { return Label{drawText(t), drawText(t)} }
func drawDep(t *rapid.T) Dep                { return Dep{drawKey(t), drawValue(t)} }

// drawOne is one of a few.
func drawOne[T any](t *rapid.T, of ...T) T { return rapid.SampledFrom(of).Draw(t, "one") }

func drawSome[T any](t *rapid.T, one func(*rapid.T) T) []T {
	return rapid.SliceOfN(rapid.Custom(one), 0, 5).Draw(t, "some")
}

func drawRef(t *rapid.T) RefID {
	if drawBool(t) {
		return KeyRef(drawKey(t))
	}
	return CallRef(drawUint64(t), drawUint32(t), drawUint64(t))
}

func drawNeed(t *rapid.T) Need {
	return Need{drawNumber(t), drawNumber(t), drawNumber(t), drawNumber(t), drawSome(t, drawAmount)}
}

func drawTask(t *rapid.T) Task {
	task := Task{
		ID: drawUint64(t), Attempt: drawUint32(t), Key: drawKey(t), Func: drawUint32(t),
		Flags: rapid.Byte().Draw(t, "flags") &^ plain, Need: Need{CPU: oneCPU}, Arg: drawBytes(t),
	}
	if drawBool(t) {
		return task
	}
	task.Need, task.Timeout, task.Deadline = drawNeed(t), drawDuration(t), drawDuration(t)
	task.Deps = drawSome(t, drawDep)
	return task
}

func drawOutcome(t *rapid.T) Outcome {
	return Outcome{
		drawUint64(t), drawUint32(t), drawKey(t), drawOne(t, Succeeded, Failed, Canceled), drawDuration(t), drawValue(t),
		drawSome(t, drawRef),
	}
}

func drawValue(t *rapid.T) Value { return drawNested(t, 3) }

func drawNested(t *rapid.T, depth int) Value {
	v := Value{Form: drawOne(t, Inline, Failure, Object, List, Element)}
	if depth == 0 && v.Form > Object {
		v.Form = Inline
	}
	inner := func(t *rapid.T) Value { return drawNested(t, depth-1) }
	switch v.Form {
	case Object:
		v.ID, v.Size, v.Node = drawText(t), drawNumber(t), drawText(t)
	case List:
		v.Parts = drawSome(t, inner)
	case Element:
		v.Count = rapid.IntMin(1).Draw(t, "count")
		v.Index = rapid.IntRange(0, v.Count-1).Draw(t, "index")
		v.Parts = []Value{inner(t)}
	default:
		v.Data = drawBytes(t)
	}
	return v
}

func drawItem(t *rapid.T) Item {
	return drawOne(t,
		func() Item { return Accept{drawUint64(t)} },
		func() Item { return GiveBack{drawAttempt(t), rapid.Byte().Draw(t, "reason"), drawBool(t), drawText(t)} },
		func() Item { return Started{drawAttempt(t)} },
		func() Item { return drawCall(t) },
		func() Item { return Want{drawAttempt(t), drawRef(t), drawBool(t)} },
		func() Item { return Cancel{drawAttempt(t), drawRef(t)} },
		func() Item { return Held{drawKey(t), drawBool(t), drawUint64(t)} },
		func() Item { return Block{drawAttempt(t), drawBool(t), drawBool(t)} },
		func() Item { return Settle{drawAttempt(t), drawRef(t), drawValue(t)} },
		func() Item { return Stop{drawAttempt(t), drawBool(t), drawDuration(t)} },
		func() Item { return TakeBack{drawAttempt(t)} },
		func() Item { return Quit{} },
		func() Item { return Begin{drawAttempt(t)} },
		func() Item { return Hold{drawNeed(t), drawDuration(t)} },
	)()
}

func drawCall(t *rapid.T) Call {
	c := Call{
		By: drawAttempt(t), Seq: drawUint64(t), Kind: rapid.ByteRange(CallFunc, CallFail).Draw(t, "kind"), Lazy: drawBool(t),
		Func: drawUint32(t), Map: drawUint64(t), First: drawNumber(t), Index: drawNumber(t), Count: drawNumber(t),
		Refs: drawSome(t, drawRef), Arg: drawBytes(t),
	}
	if c.Kind == CallFrom || c.Kind == CallElement || c.Kind == CallFlatten {
		c.Refs = []RefID{drawRef(t)}
	}
	if c.Kind == CallElement {
		c.Count = max(c.Count, 1)
		c.Index %= c.Count
	}
	if drawBool(t) {
		c.Terms = &Terms{
			drawNeed(t), drawUint32(t), drawDuration(t), drawDuration(t), drawDuration(t),
			rapid.Int64().Draw(t, "priority"), drawText(t), drawBool(t), drawBool(t), drawBool(t), drawText(t),
		}
	}
	return c
}

// What is read is what was written, and is written again with the same bytes.
func TestRoundTrip(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := draw[f.name](t)
				data := m.Append([]byte("before"))
				if !bytes.HasPrefix(data, []byte("before")) {
					t.Fatalf("it overwrites what is before it: %x", data)
				}
				data = data[len("before"):]
				kept := slices.Clone(data)
				got, err := f.read(data)
				if err != nil {
					t.Fatal(err)
				}
				if show(got) != show(m) {
					t.Fatalf("reads\n%s, want\n%s", show(got), show(m))
				}
				if again := got.Append(nil); !bytes.Equal(again, kept) || !bytes.Equal(data, kept) {
					t.Fatalf("written again it is\n%x, was\n%x", again, kept)
				}
			})
		})
	}
}

// What is read into used memory is as if that were new.
func TestReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Batch
		var o Outcomes
		for range 3 {
			for _, m := range []struct {
				message
				into interface {
					message
					Read([]byte) error
				}
			}{{draw["Batch"](t), &b}, {draw["Outcomes"](t), &o}} {
				if err := m.into.Read(m.Append(nil)); err != nil || show(m.into) != show(m.message) {
					t.Fatalf("reads\n%s, %v; want\n%s", show(m.into), err, show(m.message))
				}
			}
		}
	})
	data := benchOutcomes(64).Append(nil)
	tasks := benchBatch(64).Append(nil)
	var o Outcomes
	var b Batch
	if n := testing.AllocsPerRun(100, func() { _, _ = b.Read(tasks), o.Read(data) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

// What the text of a message leaves out.
func TestZeroFields(t *testing.T) {
	b, err := ReadBatch((&Batch{Tasks: []Task{{Need: Need{CPU: oneCPU}}, {}}}).Append(nil))
	if err != nil || len(b.Tasks) != 2 || b.Tasks[0].Deps != nil || b.Tasks[0].Flags != 0 || b.Tasks[1].Need.Named != nil {
		t.Errorf("reads %+v, %v", b, err)
	}
	u, err := ReadUp((&Up{Items: []Item{Call{Kind: CallFunc}}}).Append(nil))
	if err != nil || len(u.Items) != 1 {
		t.Fatalf("reads %+v, %v", u, err)
	}
	if k, ok := u.Items[0].(Call); !ok || k.Terms != nil || k.Refs != nil {
		t.Errorf("reads %+v", u.Items[0])
	}
}

// The usual task takes 21 bytes and its argument.
func TestPlainTask(t *testing.T) {
	usual := Task{ID: 1, Attempt: 1, Need: Need{CPU: oneCPU}}
	if n := len(usual.Append(nil)); n != minTask {
		t.Errorf("it takes %d bytes, want %d", n, minTask)
	}
	for _, change := range []func(*Task){
		func(t *Task) { t.Need.CPU-- },
		func(t *Task) { t.Need.IO = 1 },
		func(t *Task) { t.Need.Memory = 1 },
		func(t *Task) { t.Need.GPUs = 1 },
		func(t *Task) { t.Need.Named = []Amount{{"x", 1}} },
		func(t *Task) { t.Timeout = 1 },
		func(t *Task) { t.Deadline = 1 },
		func(t *Task) { t.Deps = []Dep{{Value: Value{Form: Inline}}} },
	} {
		task := usual
		change(&task)
		b := Batch{Tasks: []Task{task}}
		got, err := ReadBatch(b.Append(nil))
		if err != nil || show(&got) != show(&b) {
			t.Errorf("%s reads %s, %v", show(&b), show(&got), err)
		}
	}
}

// A number that can't be negative and is doesn't make the message unreadable.
func TestNegative(t *testing.T) {
	b, err := ReadBatch((&Batch{Tasks: []Task{{Need: Need{CPU: -1}, Timeout: -1, Deadline: -5}}}).Append(nil))
	if err != nil || b.Tasks[0].Need.CPU != 0 || b.Tasks[0].Timeout != 0 {
		t.Errorf("a batch reads %+v, %v", b, err)
	}
	if d := b.Tasks[0].Deadline; d != 1 {
		t.Errorf("a deadline that has passed is %d, want the shortest", d)
	}
	o, err := ReadOutcomes((&Outcomes{List: []Outcome{{Status: Succeeded, Took: -1, Value: Value{Form: Inline}}}}).Append(nil))
	if err != nil || o.List[0].Took != 0 {
		t.Errorf("outcomes read %+v, %v", o, err)
	}
}

func TestRefs(t *testing.T) {
	k := testKey(7)
	if got, ok := KeyRef(k).Key(); !ok || got != k {
		t.Errorf("the key is %x, %v", got, ok)
	}
	call := CallRef(1<<40, 3, 1<<50)
	if task, attempt, seq, ok := call.Call(); !ok || task != 1<<40 || attempt != 3 || seq != 1<<50 {
		t.Errorf("the call is %d, %d, %d, %v", task, attempt, seq, ok)
	}
	if _, ok := call.Key(); ok {
		t.Error("a call is a key")
	}
	if _, _, _, ok := KeyRef(k).Call(); ok {
		t.Error("a key is a call")
	}
	for _, r := range []RefID{"", "x", RefID(make([]byte, 17))} {
		_, key := r.Key()
		_, _, _, call := r.Call()
		if key || call {
			t.Errorf("%d bytes are a key, %v, or a call, %v", len(r), key, call)
		}
	}
}

func TestSubjects(t *testing.T) {
	for got, want := range map[string]string{
		OfferSubject("J"): "m.j.J.offer", AskSubject("J"): "m.j.J.ask", UpSubject("J", "N"): "m.j.J.up.N", AllUp("J"): "m.j.J.up.*",
		DownSubject("J", "N"): "m.j.J.down.N", AllDown("N"): "m.j.*.down.N", OutcomeSubject("J", "N"): "m.j.J.o.N",
		DecisionSubject("J"): "m.j.J.d", StreamName("J"): "J_J", ConsumerName("J", 7): "C_J_7",
		JournalSubject("J", 7): "m.j.J.journal.7", Inbox("N"): "_INBOX.N", Answers(AnswerUp, "J"): "_INBOX.*.*.u.J.*",
		AnswerSubject("_INBOX.N.random", AnswerOffer, "J", "9"): "_INBOX.N.random.b.J.9",
		ControlSubject("U", "open"):                             "m.c.U.open", NodeSubject("N", "drain"): "m.n.N.drain",
	} {
		if got != want {
			t.Errorf("a subject is %q, want %q", got, want)
		}
	}
	if got := StreamSubjects("J"); !slices.Equal(got, []string{"m.j.J.o.*", "m.j.J.d"}) {
		t.Errorf("a stream keeps %q", got)
	}
}
