package agent

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// account is a system account. Nil is the process's own.
type account struct {
	name, home string
	uid, gid   int
	groups     []int
}

// canSwitch reports whether processes can be started under other accounts.
func canSwitch() bool { return os.Geteuid() == 0 }

// findAccount is the account of that name: errNoAccount if there is none.
func findAccount(name string) (*account, error) {
	u, err := user.Lookup(name)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		return nil, errNoAccount
	}
	if err != nil {
		return nil, err
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("find the groups of %s: %w", name, err)
	}
	a := &account{name: u.Username, home: u.HomeDir}
	var errs [2]error
	a.uid, errs[0] = strconv.Atoi(u.Uid)
	a.gid, errs[1] = strconv.Atoi(u.Gid)
	for _, g := range groups {
		n, err := strconv.Atoi(g)
		if err != nil {
			return nil, err
		}
		a.groups = append(a.groups, n)
	}
	return a, errors.Join(errs[:]...)
}

// attributes have a process started under the account.
func (a *account) attributes(attr *syscall.SysProcAttr) {
	if a == nil {
		return
	}
	attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)} //nolint:gosec // the system's own numbers
	for _, g := range a.groups {
		attr.Credential.Groups = append(attr.Credential.Groups, uint32(g)) //nolint:gosec // likewise
	}
}

// do runs f, whose file operations are the account's: they may do what that may, and no more, and what they make is
// its. So the agent can work in a folder whose owner puts links to others' files in its way. What f does in other
// goroutines is the agent's still.
func (a *account) do(f func() error) error {
	if a == nil {
		return f()
	}
	runtime.LockOSThread()
	groups, err := unix.Getgroups()
	if err == nil {
		err = a.enter()
	}
	defer func() {
		if leave(groups) == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with the goroutine
	}()
	if err != nil {
		return fmt.Errorf("work as %s: %w", a.name, err)
	}
	return f()
}

// enter has this thread's file operations be the account's. The system calls are about the thread, not the process.
func (a *account) enter() error {
	if err := unix.Setgroups(a.groups); err != nil {
		return err
	}
	_ = unix.Setfsgid(a.gid) // neither says whether it has failed
	_ = unix.Setfsuid(a.uid)
	return isNow(a.uid, a.gid)
}

func leave(groups []int) error {
	_ = unix.Setfsuid(os.Geteuid())
	_ = unix.Setfsgid(os.Getegid())
	return errors.Join(isNow(os.Geteuid(), os.Getegid()), unix.Setgroups(groups))
}

func isNow(uid, gid int) error {
	u, err := unix.SetfsuidRetUid(-1)
	if err != nil {
		return err
	}
	g, err := unix.SetfsgidRetGid(-1)
	if err == nil && (u != uid || g != gid) {
		err = errors.New("the system refuses it")
	}
	return err
}

// give makes a folder an account's that was made by the agent, in one that nobody else can write to.
func (a *account) give(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// ownerOf is whose a folder is; nil for the agent's own.
func ownerOf(path string) *account {
	info, err := os.Lstat(path)
	if err != nil || !canSwitch() {
		return nil
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(s.Uid) == os.Geteuid() {
		return nil
	}
	return &account{name: strconv.Itoa(int(s.Uid)), uid: int(s.Uid), gid: int(s.Gid)}
}
