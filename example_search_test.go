package muster_test

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/musterrun/muster"
)

type nonce struct {
	Text string
	N    int
}

var searchHash = muster.Func("search.hash", muster.Plain(func(n nonce) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d", n.Text, n.N))
}))

// A search through an endless input that stops at the first hit: leaving the loop cancels what is still under way.
// In Dask: client.cancel(futures) after the hit, in Ray ray.cancel(ref) for each one under way.
func Example_search() {
	all := func(yield func(nonce) bool) {
		for n := 0; yield(nonce{"muster", n}); n++ {
		}
	}
	n := 0
	for hash, err := range searchHash.Map(context.Background(), all) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if hash[0] == 0 && hash[1] < 16 {
			fmt.Printf("%d: %x...\n", n, hash[:4])
			break
		}
		n++
	}
	// Output: 658: 000b089b...
}
