package muster_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
)

// refBag holds Refs wherever a value can.
type refBag struct {
	Alone  muster.Ref[int]
	List   []muster.Ref[int]
	ByName map[string]muster.Ref[int]
	Deep   struct {
		Rows []struct{ R muster.Ref[int] }
		None muster.Ref[int]
	}
	Boxed    muster.Ref[muster.Ref[int]]
	Gathered muster.Ref[[]int]
	Far      muster.Ref[[]muster.Ref[int]]
}

// bagSum is what all that a bag refers to adds up to.
const bagSum = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10

// fill makes a bag of Refs that one gives.
func fill(ctx context.Context, one func(n int) muster.Ref[int]) (b refBag) {
	b.Alone = one(1)
	b.List = []muster.Ref[int]{one(2), {}, one(3)}
	b.ByName = map[string]muster.Ref[int]{"four": one(4)}
	b.Deep.Rows = []struct{ R muster.Ref[int] }{{one(5)}}
	b.Boxed = muster.Put(ctx, one(6))
	b.Gathered = muster.Gather(ctx, one(7), one(8))
	b.Far = muster.Put(ctx, []muster.Ref[int]{one(9), one(10)})
	return b
}

// sum gets all that a bag refers to.
func (b refBag) sum(ctx context.Context) (int, error) {
	refs := append([]muster.Ref[int]{b.Alone, b.Deep.Rows[0].R}, b.List...)
	refs = slices.AppendSeq(refs, maps.Values(b.ByName))
	boxed, err1 := b.Boxed.Get(ctx)
	far, err2 := b.Far.Get(ctx)
	more, err3 := b.Gathered.Get(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, err
	}
	sum := 0
	for _, n := range more {
		sum += n
	}
	for _, r := range slices.Concat(refs, []muster.Ref[int]{boxed}, far) {
		if r.IsZero() {
			continue
		}
		n, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

var (
	bagFill = muster.Func("bag.fill", func(ctx context.Context, how string) (refBag, error) {
		b := fill(ctx, func(n int) muster.Ref[int] {
			switch how {
			case "Put":
				return muster.Put(ctx, n)
			case "Lazy":
				return benchInc.Go(muster.Lazy(ctx), n-1)
			case "Split":
				return muster.Split(ctx, muster.Put(ctx, []int{0, n}), 2)[1]
			case "Flatten":
				return muster.Flatten(ctx, muster.Put(ctx, benchInc.Go(ctx, n-1)))
			default:
				return benchInc.Go(ctx, n-1)
			}
		})
		return b, nil
	})
	bagRelay = muster.Func("bag.relay", func(ctx context.Context, how string) (refBag, error) {
		b, err := bagFill.Call(ctx, how)
		if err == nil && how == "Put" {
			_, err = bagSums.Call(ctx, b)
		}
		return b, err
	})
	bagSums = muster.Func("bag.sum", func(ctx context.Context, b refBag) (int, error) { return b.sum(ctx) })
	bagOpen = muster.Func("bag.open", func(ctx context.Context, r muster.Ref[refBag]) (int, error) {
		b, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		return b.sum(ctx)
	})
	bagPass = muster.Func("bag.pass", func(ctx context.Context, r muster.Ref[refBag]) (int, error) {
		b, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		return bagOpen.Call(ctx, muster.Put(ctx, b))
	})
	bagMap = muster.Func("bag.map", func(ctx context.Context, b refBag) (sum int, err error) {
		for n, err := range bagSums.Map(ctx, slices.Values([]refBag{b, b})) {
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return sum / 2, nil
	})
)

// bagReaders are those who may get a bag that a task has returned.
var bagReaders = map[string]func(ctx context.Context, r muster.Ref[refBag]) (int, error){
	"the driver": func(ctx context.Context, r muster.Ref[refBag]) (int, error) {
		b, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		return b.sum(ctx)
	},
	"an argument": func(ctx context.Context, r muster.Ref[refBag]) (int, error) {
		b, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		return bagSums.Call(ctx, b)
	},
	"From":               func(ctx context.Context, r muster.Ref[refBag]) (int, error) { return bagSums.From(ctx, r).Get(ctx) },
	"a dependency":       bagOpen.Call,
	"a task of a task's": bagPass.Call,
	"items": func(ctx context.Context, r muster.Ref[refBag]) (int, error) {
		b, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		got, err := muster.Collect(bagSums.Map(ctx, slices.Values([]refBag{b, b})))
		if err != nil {
			return 0, err
		}
		return (got[0] + got[1]) / 2, nil
	},
	"items inside": func(ctx context.Context, r muster.Ref[refBag]) (int, error) { return bagMap.From(ctx, r).Get(ctx) },
}

// A Ref that one task has made means the same to whoever gets it, however it came there: the task's value is found for
// as long as the Ref is.
func TestRefsPassedFromTaskToTask(t *testing.T) {
	ctx, cancel := context.WithTimeout(open(t, muster.Config{CPUs: 2}), time.Minute)
	defer cancel()
	for _, how := range []string{"Put", "Go", "Lazy", "Split", "Flatten"} {
		for by, f := range map[string]*muster.Function[string, refBag]{"a task": bagFill, "a task's task": bagRelay} {
			for who, read := range bagReaders {
				if sum, err := read(ctx, f.Go(ctx, how)); sum != bagSum || err != nil {
					t.Errorf("%s by %s, read by %s: %d, %v, want %d", how, by, who, sum, err, bagSum)
				}
			}
		}
	}
}

var (
	boxOpen = muster.Func("box.open", func(ctx context.Context, r muster.Ref[muster.Ref[muster.Ref[int]]]) (int, error) {
		outer, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		inner, err := outer.Get(ctx)
		if err != nil {
			return 0, err
		}
		return inner.Get(ctx)
	})
	boxSame = muster.Func("box.same", func(_ context.Context, r muster.Ref[int]) (muster.Ref[int], error) { return r, nil })
	boxMake = muster.Func("box.make", func(ctx context.Context, how string) (int, error) {
		r := benchInc.Go(ctx, 41)
		switch how {
		case "boxes in each other":
			return boxOpen.Call(ctx, muster.Put(ctx, muster.Put(ctx, r)))
		case "a gathered box":
			box := muster.Put(ctx, r)
			return boxOpen.Call(ctx, muster.Split(ctx, muster.Gather(ctx, muster.Put(ctx, box), muster.Put(ctx, box)), 2)[1])
		case "a bag in a box":
			return bagOpen.Call(ctx, muster.Put(ctx, fill(ctx, func(n int) muster.Ref[int] { return benchInc.Go(ctx, n-1) })))
		case "a Ref that comes back":
			back, err := boxSame.Call(ctx, r)
			if put := muster.Put(ctx, 1); err == nil && back == r {
				if back, err = boxSame.Call(ctx, put); back == put {
					return 42, err
				}
			}
			return 0, err
		default:
			const long = 70_000
			text := muster.Put(ctx, strings.Repeat("x", long))
			n, err := boxText.Call(ctx, muster.Put(ctx, []muster.Ref[string]{text, text}))
			return 42 * n / (2 * long), err
		}
	})
	boxText = muster.Func("box.text", func(ctx context.Context, r muster.Ref[[]muster.Ref[string]]) (n int, err error) {
		list, err := r.Get(ctx)
		for _, r := range list {
			text, err := r.Get(ctx)
			if err != nil {
				return 0, err
			}
			n += len(text)
		}
		return n, err
	})
)

// Values of types that nobody but the workers knows are passed on as well, and Refs of one task are equal everywhere.
func TestRefsInsideValuesThatATaskMakes(t *testing.T) {
	ctx, cancel := context.WithTimeout(open(t, muster.Config{CPUs: 2}), time.Minute)
	defer cancel()
	for how, want := range map[string]int{
		"boxes in each other": 42, "a gathered box": 42, "a bag in a box": bagSum, "a Ref that comes back": 42, "long values": 42,
	} {
		if v, err := boxMake.Call(ctx, how); v != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", how, v, err, want)
		}
	}
}

// kept is where a worker's function keeps what it shouldn't.
var kept = make(chan muster.Ref[int], 1)

var (
	keepRef = muster.Func("box.keep", func(_ context.Context, r muster.Ref[muster.Ref[int]]) (int, error) {
		kept <- r.Value()
		return 0, nil
	})
	useRef = muster.Func("box.use", func(ctx context.Context, how string) (int, error) {
		r := <-kept
		switch how {
		case "Get":
			return r.Get(ctx)
		case "From":
			return benchInc.From(ctx, r).Get(ctx)
		default:
			return tAdd.Call(ctx, pair{r, r})
		}
	})
)

// A Ref that a function keeps in a variable, until its task has ended, may mean nothing any more on a cluster. That is an
// error for whoever uses it, and never a wait without an end.
func TestRefsThatAWorkerKeeps(t *testing.T) {
	for _, how := range []string{"Get", "From", "an argument"} {
		ctx, cancel := context.WithTimeout(open(t, muster.Config{CPUs: 1}), time.Minute)
		inner := muster.Put(ctx, 1)
		if _, err := keepRef.Call(ctx, muster.Put(ctx, inner)); err != nil {
			t.Fatal(err)
		}
		v, err := useRef.Call(ctx, how)
		if err == nil && v == 0 || err != nil && !strings.Contains(err.Error(), "variables of a worker") {
			t.Errorf("%s: %d, %v", how, v, err)
		}
		cancel()
	}
}

var (
	longBox = muster.Func("box.long", func(ctx context.Context, n int) (muster.Ref[muster.Ref[[]byte]], error) {
		return muster.Put(ctx, muster.Put(ctx, make([]byte, n))), nil
	})
	longLen = muster.Func("box.len", func(ctx context.Context, r muster.Ref[muster.Ref[[]byte]]) (int, error) {
		inner, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		b, err := inner.Get(ctx)
		return len(b), err
	})
)

// Once nobody can get at a Ref, its value is gone, whoever has made it and whoever had it.
func TestPassedValuesAreForgotten(t *testing.T) {
	ctx, cancel := context.WithTimeout(open(t, muster.Config{CPUs: 2}), time.Minute)
	defer cancel()
	const size, many = 60_000, 200
	gone := make(chan struct{})
	func() {
		box, err := longBox.Call(ctx, size)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := longLen.Call(ctx, box); n != size || err != nil {
			t.Fatal(n, err)
		}
		inner, err := box.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		v, err := inner.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		runtime.AddCleanup(&v[0], func(int) { close(gone) }, 0)
	}()
	for open := true; open && ctx.Err() == nil; {
		select {
		case <-gone:
			open = false
		default:
			runtime.GC()
			runtime.Gosched()
		}
	}
	if ctx.Err() != nil {
		t.Fatal("the value is still there")
	}
	before := heapNow()
	for range many {
		box := muster.Flatten(ctx, longBox.Go(ctx, size))
		if n, err := longLen.Call(ctx, box); n != size || err != nil {
			t.Fatal(n, err)
		}
	}
	if grown := int64(heapNow()) - int64(before); grown > many*size/4 {
		t.Errorf("%d bytes are still held, of %d values with %d each", grown, many, size)
	}
}

// heapNow is what the heap holds once it is clean.
func heapNow() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
