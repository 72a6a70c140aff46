package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// fetchFor bounds how long a large value may take to come.
const fetchFor = 10 * time.Minute

// decodeValue decodes what the wire form of a value stands for into *out.
func decodeValue[T any](s *Session, v *protocol.Value, out *T, refs codec.RefReader) error {
	switch v.Form {
	case protocol.Inline, protocol.Object:
		p, err := codec.Of(reflect.TypeFor[T]())
		if err != nil {
			return err
		}
		data, err := s.bytesOf(v)
		if err != nil {
			return err
		}
		return p.Decode(data, out, refs)
	case protocol.List, protocol.Element:
		return decodeParts(s, v, reflect.ValueOf(out).Elem(), refs)
	case protocol.Failure:
		return failureOf(v)
	default:
		return fmt.Errorf("a value of form %d", v.Form)
	}
}

// decodeParts decodes a list of values, or an element of one.
func decodeParts(s *Session, v *protocol.Value, out reflect.Value, refs codec.RefReader) error {
	switch v.Form {
	case protocol.List:
		if out.Kind() != reflect.Slice {
			return fmt.Errorf("a list of values for %s", out.Type())
		}
		list := reflect.MakeSlice(out.Type(), len(v.Parts), len(v.Parts))
		for i := range v.Parts {
			if err := decodeParts(s, &v.Parts[i], list.Index(i), refs); err != nil {
				return err
			}
		}
		out.Set(list)
		return nil
	case protocol.Element:
		list := reflect.New(reflect.SliceOf(out.Type())).Elem()
		if err := decodeParts(s, &v.Parts[0], list, refs); err != nil {
			return err
		}
		if list.Len() != v.Count {
			return splitError(v.Count, list.Len())
		}
		out.Set(list.Index(v.Index))
		return nil
	case protocol.Failure:
		return failureOf(v)
	}
	p, err := codec.Of(out.Type())
	if err != nil {
		return err
	}
	data, err := s.bytesOf(v)
	if err != nil {
		return err
	}
	return p.Decode(data, out.Addr().Interface(), refs)
}

func splitError(want, got int) error {
	return fmt.Errorf("muster: Split into %d, but the task returned %d elements", want, got)
}

// bytesOf is the encoding of a value, wherever it lies.
func (s *Session) bytesOf(v *protocol.Value) ([]byte, error) {
	if v.Form == protocol.Inline {
		return v.Data, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchFor)
	defer cancel()
	store := s.store()
	if store == nil {
		return nil, errors.New("a value that lies in a file, and nobody here keeps files")
	}
	data, err := store.GetValue(ctx, v.ID, v.Size)
	if err != nil {
		return nil, fmt.Errorf("fetch a value of %d bytes: %w", v.Size, err)
	}
	return data, nil
}

// valueStore keeps what is too large for a message: the driver's carrier, or a worker's folder. A session that has neither
// leaves that to who carries its messages.
type valueStore interface {
	PutValue(ctx context.Context, data []byte) (id string, size int64, err error)
	GetValue(ctx context.Context, id string, size int64) ([]byte, error)
}

func (s *Session) store() valueStore {
	if s.cfg.Upstream != nil {
		return s.cfg.Upstream
	}
	if s.cfg.Carrier != nil {
		return s.cfg.Carrier
	}
	return nil
}

// seal makes a value of an encoding: in the message if it is small.
func (s *Session) seal(data []byte) (protocol.Value, error) {
	store := s.store()
	if len(data) <= protocol.MaxInline || store == nil {
		return protocol.Value{Form: protocol.Inline, Data: data}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchFor)
	defer cancel()
	id, size, err := store.PutValue(ctx, data)
	if err != nil {
		return protocol.Value{}, fmt.Errorf("keep a value of %d bytes: %w", len(data), err)
	}
	return protocol.Value{Form: protocol.Object, ID: id, Size: size}, nil
}

// wireValue is the value of a task that has ended without error, for a message. The bytes stand in dst, which grows.
func (t *Typed[T]) wireValue(s *Session, dst []byte, refs codec.RefWriter) ([]byte, protocol.Value, error) {
	p, err := codec.Of(reflect.TypeFor[T]())
	if err != nil {
		return dst, protocol.Value{}, err
	}
	from := len(dst)
	dst, err = p.Append(dst, &t.out, refs)
	if err != nil {
		return dst, protocol.Value{}, err
	}
	v, err := s.sealFor(refs, dst[from:len(dst):len(dst)])
	return dst, v, err
}

// sealFor makes a value of an encoding, unless it is for those who take it at any length.
func (s *Session) sealFor(refs codec.RefWriter, data []byte) (protocol.Value, error) {
	if staysWhole(refs) {
		return protocol.Value{Form: protocol.Inline, Data: data}, nil
	}
	return s.seal(data)
}

// staysWhole reports whether a value is for this process, or for a message that has room for it.
func staysWhole(refs codec.RefWriter) bool {
	_, ok := refs.(interface{ whole() })
	return ok
}

// valued is a task whose value can be sent.
type valued interface {
	wireValue(s *Session, dst []byte, refs codec.RefWriter) ([]byte, protocol.Value, error)
}

var errNoValue = errors.New("a Ref whose value can't be sent")

// wireOf is how a task that has ended went, for a message.
func (t *Task) wireOf(s *Session, dst []byte, refs codec.RefWriter) ([]byte, protocol.Value) {
	err := t.err
	if err == nil {
		v, ok := t.ops.(valued)
		if !ok {
			err = errNoValue
		} else {
			var val protocol.Value
			if dst, val, err = v.wireValue(s, dst, refs); err == nil {
				return dst, val
			}
		}
	}
	return dst, failure(err)
}

// failure is an error for a message.
func failure(err error) protocol.Value {
	data, e := codec.AppendError(nil, err)
	if e != nil || len(data) > protocol.MaxInline {
		text := err.Error()
		data, _ = codec.AppendError(nil, errors.New(text[:min(len(text), protocol.MaxInline/2)]))
	}
	return protocol.Value{Form: protocol.Failure, Data: data}
}

// failureOf is the error that a message brought.
func failureOf(v *protocol.Value) error {
	if v.Form != protocol.Failure {
		return errors.New("no error was sent")
	}
	err, bad := codec.DecodeError(v.Data)
	if bad != nil {
		return fmt.Errorf("an error that can't be read: %w", bad)
	}
	return err
}
