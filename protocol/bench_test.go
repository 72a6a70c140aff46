package protocol

import (
	"fmt"
	"testing"
	"time"
)

// perTask reports the time of one of n tasks.
func perTask(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/task")
}

func benchBatch(n int) *Batch {
	batch := &Batch{Epoch: 1, Number: 1000}
	for i := range n {
		batch.Tasks = append(batch.Tasks, Task{
			ID: uint64(100_000 + i), Attempt: 1, Key: testKey(byte(i)), Func: 1, Need: Need{CPU: oneCPU}, Arg: []byte{0x18, 0x2a},
		})
	}
	return batch
}

func benchOutcomes(n int) *Outcomes {
	out := &Outcomes{Epoch: 1, Node: "n1"}
	for i := range n {
		out.List = append(out.List, Outcome{
			ID: uint64(100_000 + i), Attempt: 1, Key: testKey(byte(i)), Status: Succeeded, Took: 250 * time.Microsecond,
			Value: Value{Form: Inline, Data: []byte{0x18, 0x2b}},
		})
	}
	return out
}

// One operation is a message with so many no-op tasks, or their outcomes.
func BenchmarkMessage(b *testing.B) {
	for _, n := range []int{64, 256} {
		for name, m := range map[string]message{"Batch": benchBatch(n), "Outcomes": benchOutcomes(n)} {
			benchMessage(b, fmt.Sprintf("%s/%d", name, n), m, n)
		}
	}
}

// Outcomes and calls of tasks that start tasks.
func BenchmarkCalls(b *testing.B) {
	up := &Up{Epoch: 1, Node: "n1"}
	for i := range 64 {
		up.Items = append(up.Items, Call{By: Attempt{100_000, 1}, Seq: uint64(i), Kind: CallFunc, Func: 1, Arg: []byte{0x18, 0x2a}})
	}
	benchMessage(b, "Up/64", up, 64)
	gather := Call{By: Attempt{100_000, 1}, Seq: 65, Kind: CallGather}
	for i := range 1024 {
		gather.Refs = append(gather.Refs, CallRef(100_000, 1, uint64(i)))
	}
	benchMessage(b, "Gather/1024", &Up{Items: []Item{gather}}, 1024)
}

func benchMessage(b *testing.B, name string, m message, n int) {
	b.Run(name+"/encode", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = m.Append(buf[:0])
		}
		perTask(b, n)
	})
	b.Run(name+"/decode", func(b *testing.B) {
		data := m.Append(nil)
		read := formOf(m).read
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := read(data); err != nil {
				b.Fatal(err)
			}
		}
		perTask(b, n)
	})
}

// Read into the same memory again and again.
func BenchmarkRead(b *testing.B) {
	b.Run("Batch/64", func(b *testing.B) {
		data, batch := benchBatch(64).Append(nil), Batch{}
		b.ReportAllocs()
		for b.Loop() {
			if err := batch.Read(data); err != nil {
				b.Fatal(err)
			}
		}
		perTask(b, 64)
	})
	b.Run("Outcomes/64", func(b *testing.B) {
		data, out := benchOutcomes(64).Append(nil), Outcomes{}
		b.ReportAllocs()
		for b.Loop() {
			if err := out.Read(data); err != nil {
				b.Fatal(err)
			}
		}
		perTask(b, 64)
	})
}

// One operation is a frame with 64 no-op tasks: put together, or taken from a stream.
func BenchmarkFrame(b *testing.B) {
	batch := benchBatch(64)
	data := AppendFrame(nil, FrameTasks, batch.Append)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = AppendFrame(buf[:0], FrameTasks, batch.Append)
		}
	})
	b.Run("next", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		r := NewFrameReader(&repeated{data: data})
		for b.Loop() {
			if _, _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
