package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Store is the database. One process at a time may have it open: the head sees to that. Not for concurrent use.
type Store struct {
	dir   string
	limit int64
	db    *sql.DB
	note  string
}

// settings are SQLite's: a cache of 4 MiB, and no temporary files.
const settings = "_pragma=cache_size(-4096)&_pragma=busy_timeout(5000)&_pragma=synchronous(normal)&_pragma=temp_store(memory)"

// version is that of the schema below. One of another version is moved aside.
const version = 1

// schema has times in milliseconds since 1970, and durations in nanoseconds. At is when a row was last changed, by which
// the oldest go.
const schema = `
PRAGMA auto_vacuum = INCREMENTAL;
CREATE TABLE jobs (job TEXT, epoch INTEGER, name TEXT, owner TEXT, program TEXT, host TEXT, state TEXT, opened INTEGER,
	ended INTEGER, error TEXT, done INTEGER, failed INTEGER, at INTEGER, PRIMARY KEY (job, epoch)) WITHOUT ROWID;
CREATE TABLE tasks (job TEXT, epoch INTEGER, func TEXT, done INTEGER, failed INTEGER, at INTEGER,
	PRIMARY KEY (job, epoch, func)) WITHOUT ROWID;
CREATE TABLE attempts (job TEXT, epoch INTEGER, number INTEGER, task INTEGER, func TEXT, item INTEGER, attempt INTEGER,
	node TEXT, outcome TEXT, took INTEGER, error TEXT, at INTEGER, PRIMARY KEY (job, epoch, number)) WITHOUT ROWID;
CREATE TABLE nodes (node TEXT, started INTEGER, name TEXT, os TEXT, arch TEXT, version TEXT, cpus REAL, memory INTEGER,
	gpus REAL, state TEXT, most INTEGER, at INTEGER, PRIMARY KEY (node, started)) WITHOUT ROWID;
CREATE TABLE uses (hour INTEGER, job TEXT, func TEXT, node TEXT, succeeded INTEGER, failed INTEGER, canceled INTEGER,
	lost INTEGER, ran INTEGER, longest INTEGER, cpu INTEGER, memory INTEGER, at INTEGER,
	PRIMARY KEY (hour, job, func, node)) WITHOUT ROWID;
CREATE TABLE taken (file TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX jobs_at ON jobs (at);
CREATE INDEX tasks_at ON tasks (at);
CREATE INDEX attempts_at ON attempts (at);
CREATE INDEX nodes_at ON nodes (at);
CREATE INDEX uses_at ON uses (at);
`

// Open opens the database in a folder, or makes it. One that can't be read is moved aside. The file stays within the
// limit, in bytes, but for what one file of lines adds.
func Open(ctx context.Context, dir string, limit int64) (*Store, error) {
	s := &Store{dir: dir, limit: limit}
	err := s.open(ctx)
	if !isBroken(err) {
		return s, err
	}
	s.note = fmt.Sprintf("the history couldn't be read, and begins anew; the old file is %s: %v", filepath.Join(dir, broken), err)
	if err := s.setAside(); err != nil {
		return s, err
	}
	return s, s.open(ctx)
}

func (s *Store) open(ctx context.Context) error {
	path := filepath.Join(s.dir, database)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would make it readable for others
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open the history: %w", err)
	}
	s.db, err = sql.Open("sqlite", "file:"+url.PathEscape(path)+"?"+settings)
	if err != nil {
		return fmt.Errorf("open the history: %w", err)
	}
	s.db.SetMaxOpenConns(1)
	if err := s.prepare(ctx); err != nil {
		return errors.Join(fmt.Errorf("open the history %s: %w", path, err), s.db.Close())
	}
	return nil
}

// errVersion is a database of another version.
var errVersion = errors.New("it was written by another version of muster")

func (s *Store) prepare(ctx context.Context) error {
	var v int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err != nil {
		return err
	}
	switch v {
	case version:
		return nil
	case 0:
		_, err := s.db.ExecContext(ctx, fmt.Sprintf("%s; PRAGMA user_version = %d", schema, version))
		return err
	}
	return errVersion
}

// isBroken reports whether an error says that the file is no database of ours.
func isBroken(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		code := e.Code() & 0xff
		return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
	}
	return errors.Is(err, errVersion)
}

// setAside moves the database aside, and what of a write was left with it.
func (s *Store) setAside() error {
	path := filepath.Join(s.dir, database)
	if err := os.Rename(path, filepath.Join(s.dir, broken)); err != nil {
		return fmt.Errorf("move the history aside: %w", err)
	}
	if err := os.Remove(path + "-journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("move the history aside: %w", err)
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }
