package codec

import (
	"fmt"
	"reflect"
)

// maxShared bounds the encoding of a recursive type's value. A pointer that stands at two places is written twice,
// so a value of n pointers that each share the next would need 2^n bytes: that must be an error, not the end of all
// memory.
const maxShared = 1 << 30

var errShared = fmt.Errorf("a value of a recursive type takes more than %d bytes: "+
	"what several pointers share is written once for each", maxShared)

// An encoder is one Append under way.
type encoder struct {
	buf   []byte
	end   int // the length of buf at which a recursive value is too long
	refs  RefWriter
	trail trail
	errs  errorBudget
}

func newEncoder(dst []byte, refs RefWriter) *encoder {
	return &encoder{buf: dst, end: len(dst) + maxShared, refs: refs}
}

func (e *encoder) null() error {
	e.buf = append(e.buf, itemNull)
	return nil
}

// enter is called with each pointer, slice or map that is not nil, before what is in it.
func (e *encoder) enter(p *Plan, v reflect.Value) error {
	if !p.recursive {
		return nil
	}
	if len(e.buf) > e.end {
		return errShared
	}
	return e.trail.enter(spotOf(p, v))
}

// leave is called after that, with the error if there was one.
func (e *encoder) leave(p *Plan, v reflect.Value, err error) error {
	if !p.recursive {
		return err
	}
	return e.trail.leave(spotOf(p, v), err)
}

// A decoder is one Decode under way.
type decoder struct {
	data  []byte // what is left
	refs  RefReader
	depth int
	errs  int // error nodes inside each other
}

// open reads a head that must be of the major type wanted.
func (d *decoder) open(major byte, what string) (uint64, error) {
	n, rest, err := readOpen(d.data, major, what)
	if err != nil {
		return 0, err
	}
	d.data = rest
	return n, nil
}

// array reads the head of an array that must have exactly want elements.
func (d *decoder) array(want int) error {
	n, err := d.open(majorArray, "an array")
	if err == nil && n != uint64(want) {
		err = fmt.Errorf("found an array of %d, want %d", n, want)
	}
	return err
}

// null consumes a null, if that is next.
func (d *decoder) null() bool {
	if !isNull(d.data) {
		return false
	}
	d.data = d.data[1:]
	return true
}

// room checks a hostile head: count items of at least least bytes must fit what is left.
func (d *decoder) room(count uint64, least int) (int, error) {
	if count > uint64(len(d.data)/least) {
		return 0, errShort
	}
	return int(count), nil
}

func (d *decoder) enter(p *Plan) error {
	if p.recursive {
		if d.depth++; d.depth > maxDepth {
			return errDeep
		}
	}
	return nil
}

func (d *decoder) leave(p *Plan) {
	if p.recursive {
		d.depth--
	}
}

// A scanner is one EachRef under way.
type scanner struct {
	visit func(*Node)
	trail trail
	done  map[spot]struct{}
}

// enter tells whether what is in v has been visited before. Unless it has, leave must follow.
func (s *scanner) enter(p *Plan, v reflect.Value) (done bool, err error) {
	if !p.recursive {
		return false, nil
	}
	here := spotOf(p, v)
	if _, done = s.done[here]; done {
		return true, nil
	}
	return false, s.trail.enter(here)
}

func (s *scanner) leave(p *Plan, v reflect.Value, err error) error {
	if !p.recursive {
		return err
	}
	here := spotOf(p, v)
	if s.done == nil {
		s.done = map[spot]struct{}{}
	}
	s.done[here] = struct{}{}
	return s.trail.leave(here, err)
}
