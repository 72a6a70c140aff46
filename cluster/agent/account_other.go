//go:build !linux

package agent

import (
	"errors"
	"syscall"
)

// account is a system account. Nil is the process's own, and there is no other: only on Linux do workers run under
// other accounts.
type account struct {
	name, home string
	uid        int
}

func canSwitch() bool { return false }

func findAccount(string) (*account, error) {
	return nil, errors.New("workers run under other accounts on Linux only")
}

func (*account) attributes(*syscall.SysProcAttr) {}
func (a *account) do(f func() error) error       { return f() }
func (a *account) give(string) error             { return nil }
func ownerOf(string) *account                    { return nil }
