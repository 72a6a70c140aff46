//go:build !unix

package object

import (
	"errors"
	"os"
)

// mapFile: on Windows a mapped file can't be removed, so values are copies.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }
