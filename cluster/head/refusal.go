package head

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/musterrun/muster/protocol"
)

func refuse(code, format string, args ...any) *protocol.Refusal {
	return &protocol.Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// asRefusal is the refusal that an error is, or that says that the head has a problem.
func asRefusal(err error) *protocol.Refusal {
	var r *protocol.Refusal
	var version *protocol.VersionError
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &version):
		return refuse(protocol.CodeVersion, "%v", err)
	case errors.Is(err, syscall.ENOSPC):
		return refuse(protocol.CodeFull, "the head's disk is full; make room there: %v", err)
	}
	return refuse(protocol.CodeInternal, "the head can't do that: %v", err)
}
