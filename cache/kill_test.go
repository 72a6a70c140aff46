package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// childLimit is the limit of stores that children share.
const childLimit = 8 << 20

// numbered is a call whose value follows from its number: small, compressed, in two parts or mapped.
func numbered(name string, i int) Call {
	v := Value{Data: []byte(fmt.Sprint("value ", i))}
	switch i % 20 {
	case 1:
		v.Data = pattern(compressFrom + i%1000)
	case 2:
		v.Data = append(pattern(wholeRead), fmt.Sprint(i)...)
	case 3:
		v = Value{Data: pattern(MapFrom + i%1000*8), Raw: true}
	}
	c := callFor(name, v)
	c.Info.Summary = fmt.Sprint(name, " ", i)
	c.Info.Args = HashOf([]byte(c.Info.Summary))
	c.Key = c.Info.Key()
	if i%20 == 2 {
		c.Policy.Compress = CompressNever
	}
	return c
}

// fill stores n numbered entries, from first on.
func fill(s *Store, name string, n, first int) error {
	for i := range n {
		if _, _, err := s.Do(context.Background(), numbered(name, first+i)); err != nil {
			return err
		}
	}
	fmt.Println("filled")
	return nil
}

// loop stores without end, on several goroutines, and says so now and then.
func loop(s *Store) error {
	var wg sync.WaitGroup
	start := rand.IntN(1 << 30)
	for g := range 4 {
		wg.Go(func() {
			for i := start; ; i++ {
				_, _, err := s.Do(context.Background(), numbered("loop "+strconv.Itoa(g), i))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
				if i%10 == 0 {
					fmt.Println("stored")
				}
			}
		})
	}
	wg.Wait()
	return nil
}

// A process that is killed at any moment leaves no entry that isn't whole, no lock, and no temporary file once another
// process has stored something.
func TestKill(t *testing.T) {
	dir, rounds := t.TempDir(), 50
	for round := range rounds {
		c := startChild(t, "loop", dir)
		for range 1 + rand.IntN(5) {
			c.expect("stored")
		}
		<-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond) // any moment is right
		c.kill()
		checkAfterKill(t, dir, round)
	}
}

func checkAfterKill(t *testing.T, dir string, round int) {
	t.Helper()
	s, n := open(t, dir, childLimit)
	entries := 0
	for e, err := range s.List() {
		if err != nil {
			t.Fatal(err)
		}
		entries++
		name := e.Info.Summary[:strings.LastIndexByte(e.Info.Summary, ' ')]
		i, err := strconv.Atoi(e.Info.Summary[len(name)+1:])
		if err != nil {
			t.Fatal(err)
		}
		want, err := numbered(name, i).Compute(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if v, ok, err := s.Get(e.Key); !ok || err != nil || string(v.Data) != string(want.Data) {
			t.Fatalf("%s: found %v, %v, %d bytes, want %d", e.Info.Summary, ok, err, len(v.Data), len(want.Data))
		}
	}
	if entries == 0 {
		t.Error("no entry is left")
	}
	for _, path := range filesIn(t, dir, "*"+partSuffix) {
		l := flock.New(path)
		if ok, err := l.TryLock(); !ok || err != nil {
			t.Errorf("%s is locked: %v", path, err)
		}
		if err := l.Unlock(); err != nil {
			t.Error(err)
		}
	}
	stores(t, s, numbered("round", round))
	closeStore(t, s)
	noParts(t, s)
	if owners := filesIn(t, s.path(ownersDir), "*"); len(owners) > 0 {
		t.Errorf("markers are left: %q", owners)
	}
	for _, one := range n.take() {
		if one.Err != nil {
			t.Error(one)
		}
	}
}
