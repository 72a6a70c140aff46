package cache_test

import (
	"context"
	"fmt"
	"os"
	"reflect"

	"github.com/musterrun/muster/cache"
)

// tempStore is a store in a folder that is removed with the examples.
func tempStore() (s *cache.Store, done func()) {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		panic(err)
	}
	if s, err = cache.Open(dir, cache.Options{Limit: 1 << 30}); err != nil {
		panic(err)
	}
	return s, func() {
		_ = s.Close()
		_ = os.RemoveAll(dir)
	}
}

func ExampleStore_Do() {
	s, done := tempStore()
	defer done()

	info := cache.Info{Func: "shout", Fingerprint: "of its code", Args: cache.HashOf([]byte("hello"))}
	call := cache.Call{Key: info.Key(), Info: info, Compute: func(context.Context) (cache.Value, error) {
		fmt.Println("computing")
		return cache.Value{Data: []byte("HELLO")}, nil
	}}
	for range 2 {
		v, hit, err := s.Do(context.Background(), call)
		fmt.Println(string(v.Data), hit, err)
	}
	// Output:
	// computing
	// HELLO false <nil>
	// HELLO true <nil>
}

func ExampleRaw() {
	s, done := tempStore()
	defer done()

	info := cache.Info{Func: "table"}
	call := cache.Call{Key: info.Key(), Info: info, Compute: func(context.Context) (cache.Value, error) {
		table := make([]float64, 1<<20)
		table[3] = 0.5
		v, ok := cache.Raw(reflect.ValueOf(table)) // no copy is made, here or at a hit
		fmt.Println("raw:", ok)
		return v, nil
	}}
	if _, _, err := s.Do(context.Background(), call); err != nil {
		fmt.Println(err)
	}

	v, _, err := s.Get(call.Key)
	if err != nil {
		fmt.Println(err)
	}
	var table []float64
	err = v.Into(reflect.ValueOf(&table).Elem())
	fmt.Println(len(table), table[3], err)
	// Output:
	// raw: true
	// 1048576 0.5 <nil>
}

func ExampleInfo_Changes() {
	old := cache.Info{Func: "count", Fingerprint: "a", Args: cache.HashOf([]byte("1"))}
	now := cache.Info{Func: "count", Fingerprint: "b", Args: cache.HashOf([]byte("1"))}
	for _, line := range now.Changes(&old) {
		fmt.Println(line)
	}
	// Output: the code has changed
}

func ExampleStore_List() {
	s, done := tempStore()
	defer done()

	info := cache.Info{Func: "shout", Version: "2", Summary: "hello"}
	call := cache.Call{Key: info.Key(), Info: info, Compute: func(context.Context) (cache.Value, error) {
		return cache.Value{Data: []byte("HELLO")}, nil
	}}
	if _, _, err := s.Do(context.Background(), call); err != nil {
		fmt.Println(err)
	}
	for e, err := range s.List() {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(e.Info.Func, e.Info.Version, e.Info.Summary, e.Length)
	}
	// Output: shout 2 hello 5
}
