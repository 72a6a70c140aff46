package head

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Head is a running head.
type Head struct {
	cfg      Config
	log      *slog.Logger
	folder   folder
	settings settings
	unsaved  bool // where it listens is new
	started  time.Time
	ctx      context.Context //nolint:containedctx // ends with the head, and bounds what requests do
	cancel   context.CancelCauseFunc

	keys       *keyring
	authority  *authority
	identities *identities
	users      *users
	queue      queue
	tokens     *tokens
	jobs       *jobs
	nodes      *nodes
	drivers    *drivers
	blobs      *blobs
	disk       *disk
	events     ring
	trims      *trims
	behind     atomic.Pointer[time.Time] // when it last heard somebody late who says that he lives; nil for never
	stalled    atomic.Bool               // JetStream of servers that aren't the head's own doesn't answer
	counters   counters
	enforcing  sync.Mutex // held by who tells the servers whom to refuse

	server   middleware
	conn     *nats.Conn
	js       jetstream.JetStream
	endpoint *endpoint
	admin    join.Identity

	metricsAt *metricsServer // nil for none
	historian *historian     // nil for none

	stopping sync.Once
	undo     []func() // in the order in which things were started
}

// Start starts a head on its folder. When it returns, it can be reached. ctx bounds the start only. Another head on the
// same folder, and an address that is taken, are errors that say so.
func Start(ctx context.Context, c Config) (*Head, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Head{cfg: c, log: c.Logger, started: time.Now(), nodes: newNodes(c.Ages.Dead), trims: newTrims()}
	h.ctx, h.cancel = context.WithCancelCause(context.Background())
	for _, step := range []func(context.Context) error{
		h.openFolder, h.openTables, h.startHistory, h.startServer, h.startServices, h.remember,
	} {
		if err := step(ctx); err != nil {
			h.Stop()
			return nil, fmt.Errorf("start the head: %w", err)
		}
	}
	h.log.Info("the head is up", "cluster", h.settings.Cluster, "nats", h.Addr(), "join", h.settings.Join)
	return h, nil
}

// Stop ends the head and waits for all that it started. Jobs and nodes go on without it. Safe twice.
func (h *Head) Stop() {
	h.stopping.Do(func() {
		h.cancel(errStopped)
		for _, f := range slices.Backward(h.undo) {
			f()
		}
	})
}

func (h *Head) openFolder(context.Context) error {
	folder, lock, err := openFolder(h.cfg.StateDir)
	if lock != nil {
		h.undo = append(h.undo, func() { _ = lock.Unlock() })
	}
	if err != nil {
		return err
	}
	h.folder = folder
	if err := readJSON(folder.settings(), &h.settings); err != nil {
		return err
	}
	if h.settings.Cluster == "" {
		h.settings.Cluster = newID("c")
		if err := writeJSON(folder.settings(), h.settings); err != nil {
			return err
		}
	}
	if err := h.settings.fits(h.cfg.NATS != nil); err != nil {
		return err
	}
	h.disk = &disk{path: string(folder), keep: h.cfg.Limits.FreeBytes, free: h.cfg.free}
	return h.disk.room(0)
}

func (h *Head) openTables(context.Context) error {
	now, f := h.cfg.Now, h.folder
	open := [...]func() error{
		func() (err error) { h.keys, err = h.cfg.NATS.openKeys(f.keys(), now); return err },
		func() (err error) {
			h.authority, err = openAuthority(f.ca(), h.settings.Cluster, h.hosts(), now)
			return err
		},
		func() (err error) { h.identities, err = openIdentities(f.identities(), now); return err },
		func() (err error) { h.tokens, err = openTokens(f.tokens(), now); return err },
		func() (err error) { h.jobs, err = openJobs(f.jobs(), h.cfg.Ages.Dead, h.started); return err },
		func() (err error) { h.blobs, err = openBlobs(f.blobs(), h.cfg.Limits.BlobBytes, h.disk); return err },
		func() (err error) { h.users, err = openUsers(f.users()); return err },
		func() (err error) { h.drivers, err = openDrivers(f.drivers()); return err },
	}
	var errs [len(open)]error
	var all sync.WaitGroup
	for i := range open { // at once, since a new head syncs what it writes
		all.Go(func() { errs[i] = open[i]() })
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	h.undo = append(h.undo, h.blobs.close)
	return nil
}

func (h *Head) startServer(ctx context.Context) error {
	var err error
	if h.server, err = h.findServer(ctx); err != nil {
		return err
	}
	h.undo = append(h.undo, h.server.stop)
	if h.conn, err = h.server.connect(ctx); err != nil {
		return err
	}
	h.undo = append(h.undo, h.conn.Close)
	if h.js, err = jetstream.New(h.conn); err != nil {
		return err
	}
	if h.cfg.NATS != nil {
		if err := h.examine(ctx); err != nil {
			return err
		}
	}
	if err := h.dropStrangers(ctx); err != nil {
		return err
	}
	return h.mendJournals(ctx)
}

func (h *Head) startServices(ctx context.Context) error {
	c, err := startControl(h)
	if err != nil {
		return err
	}
	h.undo = append(h.undo, c.close)
	if h.endpoint, err = startEndpoint(ctx, h, h.settings.Join); err != nil {
		return err
	}
	h.undo = append(h.undo, h.endpoint.stop)
	before := h.settings
	h.settings = h.listening()
	h.unsaved = h.settings != before
	if err := h.startMetrics(ctx); err != nil {
		return err
	}
	var house sync.WaitGroup
	house.Go(func() { h.keepHouse(h.ctx) })
	house.Go(func() { h.keepDrivers(h.ctx) })
	house.Go(func() { h.keepTrimmed(h.ctx) })
	if h.cfg.NATS != nil {
		house.Go(func() { h.beat(h.ctx) })
	}
	h.undo = append(h.undo, house.Wait)
	return nil
}

// listening is the settings with where the head listens.
func (h *Head) listening() settings {
	s := h.settings
	s.Join = h.endpoint.addr()
	if h.cfg.NATS != nil {
		s.NATS = h.server.addr()
	} else {
		s.Addr = h.server.addr()
	}
	return s
}

// remember writes where the head listens, if that is new, and its process; and meanwhile opens the admin's identity: a disk
// takes as long for several files as for one.
func (h *Head) remember(context.Context) error {
	kept := make(chan error, 1)
	go func() {
		var err error
		if h.unsaved {
			err = writeJSON(h.folder.settings(), h.settings)
		}
		kept <- errors.Join(err, os.WriteFile(h.folder.pidFile(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600))
	}()
	return errors.Join(h.openAdmin(), <-kept)
}

// firstAdmin is the name of the cluster's first admin: who has started its head.
const firstAdmin = "admin"

// openAdmin reads the identity of the cluster's first admin, or makes it, with a JWT that is good from now on.
func (h *Head) openAdmin() error {
	path := filepath.Join(h.folder.keys(), "admin.json")
	var err error
	if err = readJSON(path, &h.admin); err != nil {
		return err
	}
	var public string
	if h.admin.Seed == "" {
		h.admin.Seed, public, err = join.NewKey()
	} else {
		public, err = publicKey(h.admin.Seed)
	}
	if err != nil {
		return err
	}
	if h.asBefore(h.admin, public) {
		return nil
	}
	k := protocol.IdentityInfo{Name: firstAdmin, Role: join.RoleAdmin, PublicKey: public, Host: "the head's machine"}
	token, err := h.sign(&k)
	if err != nil {
		return err
	}
	a := h.welcome(k, token)
	h.admin = join.Identity{
		Cluster: a.Cluster, Name: a.Name, Role: a.Role, URLs: a.URLs, Servers: a.Servers, Join: a.Join, CA: a.CA, JWT: a.JWT,
		Seed: h.admin.Seed,
	}
	kept := make(chan error, 1) // both files at once too
	go func() { kept <- h.keep(k) }()
	err = h.admin.Save(path)
	return errors.Join(err, <-kept)
}

// asBefore reports whether an identity still says how to reach this head, and is good for most of a day.
func (h *Head) asBefore(id join.Identity, public string) bool {
	known, ok := h.identities.get(public)
	return ok && id.JWT != "" && !join.Outdated(id.JWT) && known.Expires.Sub(h.cfg.Now()) > h.keys.age/2 &&
		slices.Equal(id.URLs, h.URLs()) && reflect.DeepEqual(id.Servers, h.cfg.NATS.servers()) &&
		slices.Equal(id.Join, h.joinAddresses()) && id.CA == h.authority.pem()
}

// Admin is the identity of the cluster's first admin, as it is good on this machine. It holds a secret.
func (h *Head) Admin() join.Identity {
	a := h.admin
	a.Blobs = h.folder.blobs()
	return a
}

// Cluster is the cluster's id, the same for as long as the folder is.
func (h *Head) Cluster() string { return h.settings.Cluster }

// Addr is where NATS listens: host:port, or the URLs of servers that aren't the head's own; JoinAddr is where one joins.
func (h *Head) Addr() string { return or(h.settings.NATS, h.settings.Addr) }

// JoinAddr is where the HTTPS endpoint listens, host:port.
func (h *Head) JoinAddr() string { return h.settings.Join }
