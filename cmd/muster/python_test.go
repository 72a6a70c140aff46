//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// abroad is a driver whose functions are Python's: it has their names and types.
const abroad = `package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/musterrun/muster"
)

type Who struct {
	Name string
	N    int
	Data []byte
}

type Greeting struct {
	Text string
	Half float64
	Data []byte
	None *int
}

func here[In, Out any](context.Context, In) (out Out, err error) { return out, errors.New("it ran in Go") }

var (
	Square = muster.Func("py.square", here[int, int])
	Greet  = muster.Func("py.greet", here[Who, Greeting])
	Refuse = muster.Func("py.refuse", here[int, int])
	Fan    = muster.Func("py.fan", here[int, int])
	Wait   = muster.Func("py.wait", here[int, int])
	Absent = muster.Func("py.absent", here[int, int])
	Length = muster.Func("py.length", here[[]byte, int])
)

func main() {
	muster.Main(func(ctx context.Context) error {
		fmt.Println(Square.Call(ctx, -7))
		fmt.Println(Greet.Call(ctx, Who{"grüße", 3, []byte{1, 2, 3}}))
		fmt.Println(Square.From(ctx, Square.Go(ctx, 3)).Get(ctx))
		fmt.Println(Fan.Call(ctx, 10))
		fmt.Println(Fan.From(ctx, Square.Go(ctx, 2)).Get(ctx))
		sum := 0
		for v, err := range Square.Map(ctx, slices.Values(make([]int, 10_000))) {
			if err != nil {
				return err
			}
			sum += v + 1
		}
		fmt.Println("mapped", sum)
		for v, err := range Refuse.Map(ctx, slices.Values([]int{0, 1, 2, 3})) {
			fmt.Println("item", v, err)
		}
		_, err := Wait.With(muster.Timeout(50*time.Millisecond)).Call(ctx, 1)
		fmt.Println("expired", errors.Is(err, context.DeadlineExceeded))
		r := Wait.Go(ctx, 1)
		r.Cancel()
		fmt.Println("cancelled", errors.Is(r.Wait(ctx), context.Canceled))
		_, err = Absent.Call(ctx, 1)
		fmt.Println("absent:", err)
		fmt.Println(Length.Call(ctx, make([]byte, 1<<20)))
		return nil
	})
}
`

// A worker that is written in another language, from docs/protocol.md, serves a cluster's tasks.
func TestWorkerInPython(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 here")
	}
	p := newPlace(t, abroad)
	p.cleanUp(p.state("state"))
	p.want(0, "the cluster", short("up", "--cpus=2")...)
	worker, err := filepath.Abs("../../protocol/testdata/worker.py")
	if err != nil {
		t.Fatal(err)
	}
	exe := p.build("abroad")
	out, code := p.program(exe, []string{"MUSTER_ADDR=local", "MUSTER_BINARIES=" + ownPlatform().String() + "=" + worker})
	want := []string{
		"49 <nil>", "{hello grüße!!! 1.5 [3 2 1] <nil>} <nil>", "81 <nil>", "285 <nil>", "14 <nil>", "mapped 10000", "item 0 <nil>",
		"item 0 py.refuse: item 1: 1 is odd", "item 2 <nil>", "item 0 py.refuse: item 3: 3 is odd", "expired true", "cancelled true",
		"absent: py.absent: this worker has no function py.absent", "1048576 <nil>",
	}
	if code != 0 || !strings.HasPrefix(out, strings.Join(want, "\n")+"\n") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if log, err := os.ReadFile(filepath.Join(p.state("state"), "agent.log")); err != nil || strings.Contains(string(log), "malformed") {
		t.Errorf("%v:\n%s", err, log)
	}
}
