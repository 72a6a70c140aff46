package isolate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// values moves what is too large for a frame by way of files, in a folder of the attempt's own that is made when the first
// is needed, by either side. Its methods may be called concurrently.
type values struct {
	path string
	mu   sync.Mutex
	dir  *object.Dir
	over bool // the folder is gone
}

func newValues() values {
	name := fmt.Sprintf("muster-%d-%016x", os.Getpid(), rand.Uint64()) //nolint:gosec // no secret: the folder is for its owner alone
	return values{path: filepath.Join(os.TempDir(), name)}
}

// remove removes the folder.
func (v *values) remove() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	_ = os.RemoveAll(v.path)
}

// put is nil after remove: nobody will read it.
func (v *values) put(data []byte) (id string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		return object.ID(nil), nil
	}
	if v.dir == nil {
		if v.dir, err = object.Open(v.path); err != nil {
			return "", err
		}
	}
	return v.dir.Put(data)
}

// inFrame is how many bytes of values a frame may hold, and small is what stays in it even then, for want of a better
// place; together they stay well below the longest frame.
const inFrame = 4 << 20

var errTooMany = errors.New("its values are too many for a message: put them into one, such as a slice")

// shrinkTask puts what is large in a task's argument into files.
func (v *values) shrinkTask(t *protocol.Task) error {
	left := inFrame - len(t.Arg)
	for i := range t.Deps {
		if err := v.shrinkWithin(&t.Deps[i].Value, &left); err != nil {
			return err
		}
	}
	return nil
}

// shrink puts what is large in a value into files.
func (v *values) shrink(x *protocol.Value) error {
	left := inFrame
	return v.shrinkWithin(x, &left)
}

func (v *values) shrinkWithin(x *protocol.Value, left *int) error {
	const overhead = object.IDLen + 64
	switch x.Form {
	case protocol.Inline:
		if len(x.Data) > protocol.MaxInline || len(x.Data) > max(*left, overhead) {
			id, err := v.put(x.Data)
			if err != nil {
				return fmt.Errorf("keep a value of %d bytes: %w", len(x.Data), err)
			}
			*x = protocol.Value{Form: protocol.Object, ID: id, Size: int64(len(x.Data))}
		}
	case protocol.List, protocol.Element:
		parts := make([]protocol.Value, len(x.Parts)) // x's own may be another's too
		copy(parts, x.Parts)
		x.Parts = parts
		for i := range parts {
			if err := v.shrinkWithin(&parts[i], left); err != nil {
				return err
			}
		}
	}
	*left -= overhead/2 + len(x.Data)
	if *left < -inFrame/2 {
		return errTooMany
	}
	return nil
}

// expand takes what lies in files into a value.
func (v *values) expand(x *protocol.Value) error {
	for i := range x.Parts {
		if err := v.expand(&x.Parts[i]); err != nil {
			return err
		}
	}
	if x.Form != protocol.Object {
		return nil
	}
	if !object.ValidID(x.ID) {
		return fmt.Errorf("a value that lies at %q, which is no place", x.ID)
	}
	data, err := os.ReadFile(filepath.Join(v.path, x.ID))
	if err != nil {
		return fmt.Errorf("fetch a value of %d bytes: %w", x.Size, err)
	}
	*x = protocol.Value{Form: protocol.Inline, Data: data}
	return nil
}
