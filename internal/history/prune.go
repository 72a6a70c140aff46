package history

import (
	"context"
	"fmt"
	"time"
)

const (
	pruneRounds = 64   // each takes the oldest eighth of the time that there is
	vacuumPages = 8192 // given back to the disk in each, 32 MiB
)

var tables = []string{"jobs", "tasks", "attempts", "nodes", "uses"}

// prune removes the oldest rows until the file is within the limit.
func (s *Store) prune(ctx context.Context) error {
	for range pruneRounds {
		size, err := s.size(ctx)
		if err != nil || size <= s.limit {
			return err
		}
		if err := s.pruneOnce(ctx); err != nil {
			return fmt.Errorf("remove the oldest of the history: %w", err)
		}
	}
	return nil // the next time goes on
}

// size is that of the file, in bytes.
func (s *Store) size(ctx context.Context) (size int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT page_count*page_size FROM pragma_page_count(), pragma_page_size()").Scan(&size)
	return size, err
}

func (s *Store) pruneOnce(ctx context.Context) error {
	oldest := time.Now().UnixMilli()
	for _, table := range tables {
		var at *int64
		if err := s.db.QueryRowContext(ctx, "SELECT min(at) FROM "+table).Scan(&at); err != nil {
			return err
		}
		if at != nil {
			oldest = min(oldest, *at)
		}
	}
	upTo := oldest + max(1, (time.Now().UnixMilli()-oldest)/8)
	for _, table := range tables {
		if _, err := s.db.ExecContext(ctx, "DELETE FROM "+table+" WHERE at < ?", upTo); err != nil {
			return err
		}
	}
	_, err := s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages))
	return err
}
