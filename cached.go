package muster

import (
	"fmt"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/internal/engine"
)

// Cached keeps a function's results on disk, and returns them for equal arguments without running it: in this process,
// the next one, and others of this user. The zero policy, or none, works.
//
// A result is found again while the function's code is the same, and all that it reaches in its own module: `muster
// fingerprint` writes down what that is. Without that the executable stands for it, so that results are lost at each
// build, and never wrong. What a function reads besides its argument (files, the time, the network, variables that the
// program sets when it runs) isn't part of the key: put it into the argument, or leave the function uncached.
//
// However many goroutines and processes ask for one result at once, one computes it. A Local can't be cached, nor a
// result that holds Refs. It costs about 15 us to find a small result, and 60 us to compute and store one.
func Cached(policy ...cache.Policy) Option {
	var p cache.Policy
	if len(policy) > 0 {
		p = policy[0]
	}
	return option(len(policy) <= 1, "Cached: pass one policy, or none", func(o *engine.Options) {
		o.Cache = &p
		if p.Version != "" {
			o.Version = p.Version
		}
	})
}

// Version declares a version of a function: another one makes it compute anew what is cached or recorded in a job's
// journal. Without a fingerprint a job finds the results of another build only if a version is declared. Defaults to
// none.
func Version(v string) Option {
	return option(true, "", func(o *engine.Options) { o.Version = v })
}

// CacheKey is a copy of f whose cache is asked with key's result instead of the argument: key returns the argument with
// the fields that make no difference set to zero. It must not change what its argument points at, and be safe for
// concurrent use. The function itself still gets the whole argument.
func (f *Function[In, Out]) CacheKey(key func(In) In) *Function[In, Out] {
	g := &Function[In, Out]{fn: f.fn}
	g.fn.CacheKey = key
	return g
}

// CacheValid is a copy of f that asks valid about each result found in the cache: false has it computed again and
// replaced. It must be safe for concurrent use.
func (f *Function[In, Out]) CacheValid(valid func(In, Out) bool) *Function[In, Out] {
	g := &Function[In, Out]{fn: f.fn}
	g.fn.CacheValid = valid
	return g
}

// checkCached panics for a function whose results can't be cached.
func (f *Function[In, Out]) checkCached() {
	switch {
	case f.fn.Opts.Cache == nil:
	case f.fn.Local:
		panic(fmt.Sprintf("muster: Cached of a Local at %s: it has no name to be found by: use Func", callSite()))
	case f.fn.OutRefs.HasRefs():
		panic(fmt.Sprintf("muster: Cached of Func(%q) at %s: its result may hold Refs, which mean nothing in another session: return values",
			f.fn.Name, callSite()))
	}
}
