package codec

import "fmt"

// RenameRefs appends to dst an encoded value whose type need not be known, with other ids for the Refs in it. rename is
// called for each of them in order and may not keep id. What types with their own marshalling wrote as a byte string is
// left alone.
//
// Data may be anybody's: what is no value is an error, or gives bytes that are none either. dst is then as it was.
func RenameRefs(dst, data []byte, rename func(id []byte) ([]byte, error)) ([]byte, error) {
	out := dst
	for len(data) > 0 { // items lie one behind the other, so there is no need to know what they are in
		major, n, rest, err := readHead(data)
		if err != nil {
			return dst, fmt.Errorf("rename refs: %w", err)
		}
		if major == majorTag && n == tagRef {
			if out, rest, err = renameRef(out, rest, rename); err != nil {
				return dst, fmt.Errorf("rename refs: %w", err)
			}
			data = rest
			continue
		}
		if major == majorBytes || major == majorText {
			if n > uint64(len(rest)) {
				return dst, fmt.Errorf("rename refs: %w", errShort)
			}
			rest = rest[n:]
		}
		out, data = append(out, data[:len(data)-len(rest)]...), rest
	}
	return out, nil
}

// renameRef writes the Ref whose tag was read.
func renameRef(out, data []byte, rename func([]byte) ([]byte, error)) (grown, rest []byte, err error) {
	id, rest, err := readRun(data, majorBytes, "the id of a ref")
	if err != nil {
		return out, nil, err
	}
	if id, err = rename(id); err != nil {
		return out, nil, err
	}
	if len(id) > maxRefID {
		return out, nil, fmt.Errorf("an id of %d bytes, at most %d are allowed", len(id), maxRefID)
	}
	out = appendHead(out, majorTag, tagRef)
	out = appendHead(out, majorBytes, uint64(len(id)))
	return append(out, id...), rest, nil
}
