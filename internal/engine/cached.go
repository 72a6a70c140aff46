package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/journal"
)

// do calls the function, or takes its result from the cache.
func (f *Fn[In, Out]) do(r *Run, in In) (Out, error) {
	if f.Opts.Cache == nil || r.s.cfg.Only != 0 {
		return f.call(r, r, in)
	}
	return f.cached(r, in)
}

// cached asks the cache for the result of a call, which computes it if need be. Without a cache that works the function
// is called.
func (f *Fn[In, Out]) cached(r *Run, in In) (out Out, err error) {
	s := r.s
	store, err := s.cfg.Cache(s.noteCache)
	if err != nil {
		s.uncached(&f.Spec, err)
		return f.call(r, r, in)
	}
	call, err := f.cacheCall(s, in)
	if err != nil {
		s.uncached(&f.Spec, err)
		return f.call(r, r, in)
	}
	computed := false
	call.Compute = func(ctx context.Context) (v cache.Value, err error) {
		computed = true
		around := r.chain
		r.chain = cache.ChainOf(ctx) // for the calls that the function makes
		outer := r.computes.Swap(r.chain)
		defer func() {
			r.chain = around
			r.computes.Store(outer)
		}()
		if out, err = f.call(ctx, r, in); err != nil {
			return v, err
		}
		return f.cacheValue(&out)
	}
	call.Accept = func(v cache.Value) bool { return f.accepts(in, v, &out) }
	call.Lend = func(wait func() error) error {
		s.block(r)
		defer s.unblock(r)
		return wait()
	}
	_, hit, err := store.Do(r, call)
	switch {
	case hit && !computed:
		r.restored++
	case err == nil:
		s.keepUnits(store, &f.Spec, call.Info.Fingerprint)
	case computed && errors.As(err, new(unstorable)):
		s.uncached(&f.Spec, err)
		return out, nil
	case errors.Is(err, os.ErrClosed) && !computed: // of the store: its session is closed
		return out, ErrClosed
	}
	return out, err
}

// unstorable is a result that has no bytes.
type unstorable struct{ error }

// cacheCall says what the cache has to know of a call.
func (f *Fn[In, Out]) cacheCall(s *Session, in In) (cache.Call, error) {
	if f.CacheKey != nil {
		in = f.CacheKey(in)
	}
	var room [512]byte
	arg, err := f.InPlan.Append(room[:0], &in, contentWriter{})
	if err != nil {
		return cache.Call{}, err
	}
	code := s.cfg.Code(&f.Spec)
	if code.Fingerprint == "" {
		return cache.Call{}, code.Warning
	}
	s.warn(code.Warning)
	size := len(arg)
	if f.CacheKey != nil {
		arg = append(arg, f.CacheKeyID(f.Opts.Version)...)
	}
	info := cache.Info{Func: f.Name, Fingerprint: code.Fingerprint, Version: f.Opts.Version, Args: cache.HashOf(arg)}
	return cache.Call{
		Key: info.Key(), Info: info, Policy: *f.Opts.Cache,
		Describe: func(i *cache.Info) { f.describeArgs(i, in, size) },
	}, nil
}

// cacheValue encodes a result, or hands its memory over if it is a large slice of numbers.
func (f *Fn[In, Out]) cacheValue(out *Out) (cache.Value, error) {
	if v, ok := cache.Raw(reflect.ValueOf(out).Elem()); ok {
		return v, nil
	}
	data, err := f.OutPlan.Append(nil, out, nil)
	if err != nil {
		return cache.Value{}, unstorable{fmt.Errorf("result: %w", err)}
	}
	return cache.Value{Data: data}, nil
}

// accepts decodes an entry, and asks the function's own check about it. What can't be decoded is computed again.
func (f *Fn[In, Out]) accepts(in In, v cache.Value, out *Out) bool {
	var got Out
	var err error
	if v.Raw {
		err = v.Into(reflect.ValueOf(&got).Elem())
	} else {
		err = f.OutPlan.Decode(v.Data, &got, nil)
	}
	if err != nil || f.CacheValid != nil && !f.CacheValid(in, got) {
		return false
	}
	*out = got
	return true
}

// summarize is up to which size an argument is shown whole, as far as the cache keeps it.
const summarize = 4 << 10

// describeArgs adds what explains a later miss: the argument in short, and the hash of each of its fields.
//
// A long argument is only measured.
func (f *Fn[In, Out]) describeArgs(i *cache.Info, in In, size int) {
	if i.Summary = fmt.Sprintf("%T of %d bytes", in, size); size <= summarize {
		i.Summary = fmt.Sprintf("%v", in) // the cache cuts it
	}
	v := reflect.ValueOf(&in).Elem()
	if v.Kind() != reflect.Struct {
		return
	}
	for k := range v.NumField() {
		field := v.Type().Field(k)
		if !field.IsExported() {
			continue
		}
		p, err := codec.Of(field.Type)
		if err != nil {
			continue
		}
		if data, err := p.Append(nil, v.Field(k).Addr().Interface(), contentWriter{}); err == nil {
			h := cache.HashOf(data)
			i.Fields = append(i.Fields, cache.Field{Name: field.Name, Hash: [8]byte(h[:8])})
		}
	}
}

// contentWriter writes Refs as the hashes of their values, whatever task gave them.
type contentWriter struct{}

// WriteRef is the hash of the value, which is there.
func (contentWriter) WriteRef(n *codec.Node) ([]byte, error) {
	t := taskOf(n)
	v, ok := t.ops.(hashed)
	if !ok {
		return nil, errors.New("a Ref whose value can't be hashed: pass the value")
	}
	k, ok := v.contentKey()
	if !ok {
		return nil, errors.New("a Ref without a value, or whose value can't be hashed: pass the value")
	}
	return k[:], nil
}

// hashed is a task with the hash of its value.
type hashed interface{ contentKey() (journal.Key, bool) }

// uncached tells once for each function why its results aren't cached.
func (s *Session) uncached(sp *Spec, err error) {
	if s.told.first("cache " + sp.Name) {
		s.Note(event.Event{Kind: event.CacheFailed, Func: sp.Name, Item: -1, Err: err, Text: fmt.Sprintf("%s isn't cached: %v", sp.Name, err)})
	}
}

// warn tells once that a function's code is known by the executable alone.
func (s *Session) warn(err error) {
	if err != nil && s.told.first("warning") {
		s.Note(event.Event{Kind: event.Hint, Item: -1, Text: fmt.Sprintf(
			"%v (until then results are found again only by the very same executable)", err)})
	}
}

func (s *Session) noteCache(n cache.Notice) {
	s.Note(event.Event{Kind: n.Kind, Func: n.Func, Items: n.Items, Item: -1, Err: n.Err, Text: n.String()})
}

// keepUnits keeps the hashes of which a fingerprint is made, so that a later miss can be explained by what changed.
func (s *Session) keepUnits(store *cache.Store, sp *Spec, fingerprint string) {
	if s.cfg.Units == nil || !s.told.first("units "+fingerprint) {
		return
	}
	units := s.cfg.Units(sp.Name)
	if units == nil {
		return
	}
	if err := store.PutUnits(fingerprint, units); err != nil {
		s.uncached(sp, err)
	}
}
