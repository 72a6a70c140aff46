package codec

import (
	"fmt"
	"reflect"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// timeShape is RFC 3339 text with nanoseconds under tag 0. What stays is the instant and the offset in whole
// minutes; what goes is the monotonic reading and the location's name, so that a decoded time is in UTC or in a zone
// without a name. An offset with seconds, such as that of New York before 1883, loses its seconds, since RFC 3339 has
// none: the instant remains. Years before 0 and after 9999 are an error.
type timeShape struct{ atom }

func (timeShape) append(e *encoder, v reflect.Value) error {
	t := *v.Addr().Interface().(*time.Time)
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.In(time.FixedZone("", offset-offset%60))
	}
	var scratch [48]byte
	text, err := t.AppendText(scratch[:0])
	if err != nil {
		return err
	}
	e.buf = appendHead(e.buf, majorTag, tagTime)
	e.buf = append(appendHead(e.buf, majorText, uint64(len(text))), text...)
	return nil
}

func (timeShape) decode(d *decoder, v reflect.Value) error {
	tag, rest, err := readOpen(d.data, majorTag, "a time")
	if err != nil {
		return err
	}
	if tag != tagTime {
		return fmt.Errorf("found tag %d, want %d, a time", tag, tagTime)
	}
	text, rest, err := readRun(rest, majorText, "a time")
	if err != nil {
		return err
	}
	var t time.Time
	if err := t.UnmarshalText(text); err != nil {
		return err
	}
	// The parser takes the machine's own zone where the offset fits: another machine would get another value.
	if _, offset := t.Zone(); offset == 0 {
		t = t.UTC()
	} else {
		t = t.In(time.FixedZone("", offset))
	}
	*v.Addr().Interface().(*time.Time) = t
	d.data = rest
	return nil
}

// least is the length of 2006-01-02T15:04:05Z with its heads.
func (timeShape) least() int { return 22 }

func (s timeShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }
