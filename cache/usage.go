package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// usage is what the processes that share a store know about its size. It is an estimate: a process that dies takes
// what it has not yet added along. Counting the files sets it right, after a death and once a day at least.
type usage struct {
	total int64 // bytes
	when  int64 // the files were last counted, in nanoseconds since 1970
}

const (
	countEvery = 24 * time.Hour
	usageLen   = 16 + 8 // with the beginning of its hash
	usageWait  = 2 * time.Second
	usagePause = time.Millisecond
)

func (u usage) counted() time.Time { return time.Unix(0, u.when) }

var errUsage = errors.New("the usage file is damaged")

func (s *Store) readUsage() (u usage, err error) {
	b, err := os.ReadFile(s.path(usageName))
	if err != nil {
		return u, err
	}
	if len(b) != usageLen {
		return u, errUsage
	}
	if sum := sum256(b[:16]); [8]byte(b[16:]) != [8]byte(sum[:8]) {
		return u, errUsage
	}
	u.total = int64(binary.LittleEndian.Uint64(b))
	u.when = int64(binary.LittleEndian.Uint64(b[8:]))
	return u, nil
}

func (s *Store) writeUsage(u usage) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(u.total))
	b = binary.LittleEndian.AppendUint64(b, uint64(u.when))
	sum := sum256(b)
	return os.WriteFile(s.path(usageName), append(b, sum[:8]...), 0o600)
}

// changeUsage reads, changes and writes the usage file while no other process does.
func (s *Store) changeUsage(change func(u *usage, err error) error) (u usage, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), usageWait) // a holder takes microseconds, unless it is stopped
	defer cancel()
	lock := flock.New(s.path(usageName+ownerSuffix), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, usagePause); err != nil {
		return u, err
	}
	defer func() { _ = lock.Unlock() }()
	u, err = s.readUsage()
	if err = change(&u, err); err != nil {
		return u, err
	}
	return u, s.writeUsage(u)
}

// addUsage adds bytes to the total. An error says that the files must be counted.
func (s *Store) addUsage(bytes int64) (usage, error) {
	return s.changeUsage(func(u *usage, err error) error {
		u.total += bytes
		return err
	})
}
