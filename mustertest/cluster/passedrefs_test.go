package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// parcel is what a task passes on: values that it has put, and tasks that go on when it has ended.
type parcel struct {
	PID  int
	Put  muster.Ref[string]
	Deep muster.Ref[[]muster.Ref[int]]
	Held map[string]muster.Ref[int]
}

var (
	parcelMake = muster.Func("parcel.make", func(ctx context.Context, gate string) (parcel, error) {
		return parcel{
			PID:  os.Getpid(),
			Put:  muster.Put(ctx, strings.Repeat("x", 100_000)),
			Deep: muster.Put(ctx, []muster.Ref[int]{muster.Put(ctx, 1), inc.Go(ctx, 1), held.Go(ctx, work{gate, 3})}),
			Held: map[string]muster.Ref[int]{"four": held.Go(ctx, work{gate, 4})},
		}, nil
	})
	parcelOpen = muster.Func("parcel.open", func(ctx context.Context, r muster.Ref[parcel]) (string, error) {
		p, err := r.Get(ctx)
		if err != nil {
			return "", err
		}
		return p.open(ctx)
	})
	parcelPass = muster.Func("parcel.pass", func(ctx context.Context, dir string) (string, error) {
		p, err := parcelMake.Call(ctx, filepath.Join(dir, "gate"))
		if err != nil {
			return "", err
		}
		r := parcelOpen.Go(ctx, muster.Put(ctx, p))
		f, err := os.OpenFile(filepath.Join(dir, "gate"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_ = f.Close()
			os.Exit(3) // the first attempt ends with its worker, while another task opens what it has put
		}
		return r.Get(ctx)
	})
)

func (p parcel) open(ctx context.Context) (string, error) {
	text, err := p.Put.Get(ctx)
	if err != nil {
		return "", err
	}
	list, err := p.Deep.Get(ctx)
	if err != nil {
		return "", err
	}
	said := fmt.Sprint(len(text))
	for _, r := range append(list, p.Held["four"]) {
		n, err := r.Get(ctx)
		if err != nil {
			return "", err
		}
		said += fmt.Sprint(" ", n)
	}
	return said, nil
}

const parcelHolds = "100000 1 2 3 4"

// What a task has passed on by Ref is there for others when the worker of that task is killed, before or after its end.
func TestRefsOutliveTheWorkerOfTheirTask(t *testing.T) {
	ctx, cancel := context.WithTimeout(cluster.Start(t, 2).Context(), patience)
	defer cancel()
	gate := filepath.Join(t.TempDir(), "gate")
	made := parcelMake.Go(ctx, gate)
	p, err := made.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	opened := parcelOpen.Go(ctx, made)
	kill(t, p.PID)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for who, open := range map[string]func() (string, error){
		"a task": func() (string, error) { return opened.Get(ctx) }, "the driver": func() (string, error) { return p.open(ctx) },
		"a task of one that dies": func() (string, error) { return parcelPass.Call(ctx, t.TempDir()) },
	} {
		if said, err := open(); said != parcelHolds || err != nil {
			t.Errorf("%s found %q, %v", who, said, err)
		}
	}
}
