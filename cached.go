package muster

import (
	"crypto/rand"
	"fmt"
	"reflect"
	"runtime"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/fingerprint"
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
	bad := policyFault(p)
	if len(policy) > 1 {
		bad = "Cached: pass one policy, or none"
	}
	return option(bad == "", bad, func(o *engine.Options) {
		o.Cache = &p
		if p.Version != "" {
			o.Version = p.Version
		}
	})
}

func policyFault(p cache.Policy) string {
	switch {
	case p.MaxAge < 0:
		return fmt.Sprintf("Cached: Policy.MaxAge is %v: it must not be negative; 0 means no limit", p.MaxAge)
	case p.Compress > cache.CompressBest:
		return fmt.Sprintf("Cached: Policy.Compress is %d: use cache.CompressAuto and the like", p.Compress)
	}
	return ""
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
//
// Results that were kept under one key function are found by no other, nor by f itself. No fingerprint covers key's own
// code, so another build finds them only if a Version is declared: declare another one when you change key. Keys that
// are one function literal with different captured values aren't told apart.
func (f *Function[In, Out]) CacheKey(key func(In) In) *Function[In, Out] {
	g := &Function[In, Out]{fn: *f.made()}
	g.fn.CacheKey = key
	g.fn.CacheKeyID = func(version string) string { return keyID(key, version) }
	return g
}

// thisProcess stands for an executable that can't be told.
var thisProcess = rand.Text()

// keyID names a key function: with the declared version, or else the executable, which its code may change with.
func keyID(key any, version string) string {
	name := runtime.FuncForPC(reflect.ValueOf(key).Pointer()).Name()
	if version != "" {
		return name
	}
	exe, err := fingerprint.Executable()
	if err != nil {
		exe = thisProcess
	}
	return name + " of " + exe
}

// CacheValid is a copy of f that asks valid about each result found in the cache: false has it computed again and
// replaced. It must be safe for concurrent use.
func (f *Function[In, Out]) CacheValid(valid func(In, Out) bool) *Function[In, Out] {
	g := &Function[In, Out]{fn: *f.made()}
	g.fn.CacheValid = valid
	if p := g.fn.Opts.Cache; p != nil {
		own := *p
		g.fn.Opts.Cache = &own // workers of a cluster can't ask valid, so they are to see that it's another
	}
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
