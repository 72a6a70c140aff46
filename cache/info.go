package cache

import (
	"fmt"
	"reflect"

	"github.com/musterrun/muster/internal/codec"
)

// Info is what an entry says about the call that it holds the result of. It explains a later miss, and is no part of
// the value: nothing in it changes what a hit gives.
type Info struct {
	Func        string  // the function's registered name
	Fingerprint string  // of its code, as in the key
	Version     string  // the declared one, as in the key
	Args        Hash    // of the encoded arguments, as in the key
	Summary     string  // the arguments in short, for people; cut after 200 bytes
	Fields      []Field // the arguments one by one; cut after 32
}

// Field is the hash of one argument, or of one field of it.
type Field struct {
	Name string
	Hash [8]byte // the first bytes of HashOf the field's encoding
}

const (
	maxSummary = 200
	maxFields  = 32
	maxMeta    = 1 << 20 // of an encoded Info
)

// Key is the key of the call that i describes.
func (i *Info) Key() Key { return NewKey(i.Func, i.Fingerprint, i.Version, i.Args) }

// Changes says, one line each, in what i differs from old, an entry of the same function: the reason why old is no
// hit for i. It is empty if nothing differs.
func (i *Info) Changes(old *Info) []string {
	var lines []string
	if i.Func != old.Func {
		lines = append(lines, fmt.Sprintf("the function is %s, was %s", i.Func, old.Func))
	}
	if i.Version != old.Version {
		lines = append(lines, fmt.Sprintf("the declared version is %q, was %q", i.Version, old.Version))
	}
	if i.Fingerprint != old.Fingerprint {
		lines = append(lines, "the code has changed")
	}
	if i.Args != old.Args {
		lines = append(lines, i.fieldChanges(old)...)
	}
	return lines
}

// fieldChanges names the fields that differ, or all arguments if the fields don't tell.
func (i *Info) fieldChanges(old *Info) []string {
	was := make(map[string][8]byte, len(old.Fields))
	for _, f := range old.Fields {
		was[f.Name] = f.Hash
	}
	var lines []string
	for _, f := range i.Fields {
		if hash, known := was[f.Name]; !known || hash != f.Hash {
			lines = append(lines, fmt.Sprintf("the argument %s differs", f.Name))
		}
		delete(was, f.Name)
	}
	for _, f := range old.Fields {
		if _, gone := was[f.Name]; gone {
			lines = append(lines, fmt.Sprintf("the argument %s is gone", f.Name))
		}
	}
	if lines == nil {
		return []string{"the arguments differ"}
	}
	return lines
}

// infoPlan encodes what stands in a header. The type is fixed, so the plan can't fail.
var infoPlan = func() *codec.Plan {
	plan, err := codec.Of(reflect.TypeFor[Info]())
	if err != nil {
		panic(err)
	}
	return plan
}()

// usualMeta is more than most encoded Infos take.
const usualMeta = 1 << 10

// appendInfo appends i's encoding to b, without what is too long.
func appendInfo(b []byte, i Info) ([]byte, error) {
	i.Summary = i.Summary[:min(len(i.Summary), maxSummary)]
	i.Fields = i.Fields[:min(len(i.Fields), maxFields)]
	start := len(b)
	b, err := infoPlan.Append(b, &i, nil)
	if err != nil {
		return b, err
	}
	if len(b)-start > maxMeta {
		return b, fmt.Errorf("the names in the key of %.40q take %d bytes, more than %d", i.Func, len(b)-start, maxMeta)
	}
	return b, nil
}
