//go:build !linux && !darwin && !freebsd && !windows

package cache

import "errors"

// diskSize isn't known here.
func diskSize(string) (int64, error) { return 0, errors.ErrUnsupported }
