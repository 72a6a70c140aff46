package engine

import (
	"net"
	"sync/atomic"
)

// Fallback finds the session of a call whose context has none; the public package sets it.
var Fallback atomic.Pointer[func(name string) (*Session, error)]

func fallback(name string) (*Session, error) {
	if f := Fallback.Load(); f != nil {
		return (*f)(name)
	}
	return nil, ErrNoSession
}

// Doors are ways of a test's binary into the public package, which sets them.
var Doors struct {
	Work  func() (code int, worker bool) // becomes a worker, if an agent has started this process as one
	Serve func(net.Conn)                 // is a worker in this process, which ends with the connection
	Open  func()                         // lets sessions on clusters be opened, as Main does
}
