package engine

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/musterrun/muster/cache"
)

// What a copy has of its own is what the driver makes of its terms.
func TestTermsTravel(t *testing.T) {
	f := &Fn[int, int]{Spec: Spec{Name: "f", Opts: Options{CPUs: 1, Retries: 1}}}
	f.reg = &registration{fn: f}
	if terms, err := f.terms(); terms != nil || err != nil {
		t.Error(terms, err)
	}
	where, err := ParseWhere("zone=a,!spot")
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*Options){
		"nothing": func(*Options) {}, "CPUs": func(o *Options) { o.CPUs = 0.5 }, "Memory": func(o *Options) { o.Memory = 5 },
		"GPUs":  func(o *Options) { o.Resources = SetResource(o.Resources, GPU, 0.5) },
		"a GPU": func(o *Options) { o.Resources = []Resource{{"seat", 2}, {GPU, 1}} },
		"pause": func(o *Options) { o.Retries, o.First, o.Max = 3, 1, 2 }, "Timeout": func(o *Options) { o.Timeout = time.Hour },
		"Priority": func(o *Options) { o.Priority = -2 }, "Version": func(o *Options) { o.Version = "2" },
		"Once": func(o *Options) { o.Once = true }, "Isolated": func(o *Options) { o.Isolated = true },
		"Where": func(o *Options) { o.Where = where },
	} {
		g := *f
		set(&g.Opts)
		terms, err := g.terms()
		if err != nil || (terms == nil) != (name == "nothing") {
			t.Errorf("%s: %+v, %v", name, terms, err)
		}
		if got, err := f.onTerms(terms); err != nil || !reflect.DeepEqual(got.Opts, g.Opts) {
			t.Errorf("%s: arrives as %+v, %v; was %+v", name, got.Opts, err, g.Opts)
		}
	}
}

// A copy that is cached otherwise isn't cached as the function is.
func TestTermsOfCachedCopies(t *testing.T) {
	f := &Fn[int, int]{Spec: Spec{Name: "f", Opts: Options{CPUs: 1, Cache: &cache.Policy{}}}}
	f.reg = &registration{fn: f}
	g := *f
	g.Opts.Cache = &cache.Policy{MaxAge: time.Hour}
	terms, err := g.terms()
	if err != nil || terms == nil || !terms.Uncached {
		t.Fatal(terms, err)
	}
	if got, err := f.onTerms(terms); err != nil || got.Opts.Cache != nil || f.Opts.Cache == nil {
		t.Error(got.Opts.Cache, err)
	}
}

// RetryIf is the registered function's, or stays where it is; without retries nothing asks it.
func TestTermsWithRetryIf(t *testing.T) {
	never := func(error) bool { return false }
	f := &Fn[int, int]{Spec: Spec{Name: "f", Opts: Options{CPUs: 1, RetryIf: never}}}
	f.reg = &registration{fn: f}
	for code, c := range map[string]struct {
		retries int
		retryIf func(error) bool
		want    error
	}{
		"the function's": {2, never, nil}, "its own": {2, func(error) bool { return t.Failed() }, errRetryIfStays},
		"not asked": {0, func(error) bool { return t.Failed() }, nil},
	} {
		g := *f
		g.Opts.Retries, g.Opts.RetryIf = c.retries, c.retryIf
		if _, err := g.terms(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", code, err, c.want)
		}
	}
}
