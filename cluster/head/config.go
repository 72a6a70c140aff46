package head

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/musterrun/muster/protocol"
)

// Config says what a head is like. The zero value works.
type Config struct {
	StateDir  string    // the head is in head/ of it. Defaults to MUSTER_STATE, else muster in the user's state folder
	Addr      string    // host:port for NATS. Defaults to 127.0.0.1 and a free port, the same one at each start
	JoinAddr  string    // host:port for joining, by HTTPS. The same
	NATS      *External // NATS servers to use instead of one of the head's own, and of Addr and Sync
	Advertise []string  // hosts, or host:port for NATS, by which others reach this one. Defaults to Addr's host
	// History keeps what was noted in a folder's files, and answers a question, a protocol.HistoryQuery as JSON, by a
	// protocol.HistoryAnswer. It is called by one goroutine at a time. Defaults to nobody: no history is kept.
	History func(ctx context.Context, dir string, question []byte) (answer []byte, err error)

	Metrics    string           // host:port for Prometheus, by HTTPS and with a token. Defaults to none
	Version    string           // of this program, for people
	Ages       protocol.Ages    // Default to 5 s, 15 s and 3 s
	Sync       time.Duration    // how much a power cut may lose. Defaults to 1 s; below 0, each message is synced
	Limits     Limits           // Defaults are its own
	KeepOrphan time.Duration    // how long the data of a job without a name outlives its driver. Defaults to 60 s
	KeepNamed  time.Duration    // and that of one with a name. Defaults to 7 days
	Logger     *slog.Logger     // Defaults to none
	Now        func() time.Time // Defaults to time.Now; certificates and tokens expire by it

	free func(path string) (int64, error) // of a disk, in tests
}

// Limits bound what a cluster keeps.
type Limits struct {
	LiveJobs     int   // Defaults to 500
	KeptJobs     int   // with a name, that don't run: a journal costs 45 KiB of memory. Defaults to 200
	NamedBytes   int64 // of the journal of a job with a name. Defaults to 10 GiB
	UnnamedBytes int64 // and without. Defaults to 2 GiB
	BlobBytes    int64 // of all blobs. Defaults to 20 GiB
	FreeBytes    int64 // of the disk that are left alone: below, jobs and blobs are refused. Defaults to 512 MiB
}

func (c Config) withDefaults() (Config, error) {
	if c.StateDir == "" {
		dir, err := defaultState()
		if err != nil {
			return c, err
		}
		c.StateDir = dir
	}
	if err := c.NATS.check(); err != nil {
		return c, err
	}
	c.Addr = or(c.Addr, "127.0.0.1:0")
	c.JoinAddr = or(c.JoinAddr, "127.0.0.1:0")
	c.Ages.Renew = or(c.Ages.Renew, 5*time.Second)
	c.Ages.Dead = or(c.Ages.Dead, 15*time.Second)
	c.Ages.Ask = or(c.Ages.Ask, 3*time.Second)
	c.Sync = or(c.Sync, time.Second)
	c.Limits.LiveJobs = or(c.Limits.LiveJobs, 500)
	c.Limits.KeptJobs = or(c.Limits.KeptJobs, 200)
	c.Limits.NamedBytes = or(c.Limits.NamedBytes, 10<<30)
	c.Limits.UnnamedBytes = or(c.Limits.UnnamedBytes, 2<<30)
	c.Limits.BlobBytes = or(c.Limits.BlobBytes, 20<<30)
	c.Limits.FreeBytes = or(c.Limits.FreeBytes, 512<<20)
	c.KeepOrphan = or(c.KeepOrphan, time.Minute)
	c.KeepNamed = or(c.KeepNamed, 7*24*time.Hour)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.free == nil {
		c.free = diskFree
	}
	if c.Ages.Renew >= c.Ages.Dead {
		return c, fmt.Errorf("the head's Ages: Renew, %v, must be below Dead, %v", c.Ages.Renew, c.Ages.Dead)
	}
	return c, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func defaultState() (string, error) {
	if dir := os.Getenv("MUSTER_STATE"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "muster"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for state; set MUSTER_STATE: %w", err)
	}
	return filepath.Join(home, ".local", "state", "muster"), nil
}

// listenAt is the address to listen at: as configured, but with the port of an earlier start if any will do.
func listenAt(configured, earlier string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(configured)
	if err != nil {
		return "", 0, fmt.Errorf("the head's address %q must be host:port: %w", configured, err)
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("the head's address %q must end with a port from 0 to 65535", configured)
	}
	if port != 0 || earlier == "" {
		return host, port, nil
	}
	_, text, err = net.SplitHostPort(earlier)
	if err != nil {
		return "", 0, errors.New("head.json has a damaged address; remove the file")
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}
