//go:build !unix

package cache

import "os"

func openWriter(path string, empty bool) (file, error) {
	flags := os.O_WRONLY | os.O_CREATE
	if empty {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}
