package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// ways are the three that -compare measures; each does the whole work.
var ways = map[string]func(context.Context, []File) (Stats, error){
	"serial": count,
	"loop":   withLoop,
	"muster": withMuster,
}

// withLoop is what one writes by hand: a goroutine for each core takes the next file and adds to a result of its own,
// and the results are added up at the end.
func withLoop(ctx context.Context, files []File) (Stats, error) {
	parts := make([]Stats, runtime.GOMAXPROCS(0))
	errs := make([]error, len(parts))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range parts {
		wg.Go(func() {
			parts[w] = newStats()
			c := counter{into: &parts[w]}
			for ctx.Err() == nil && errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return
				}
				errs[w] = c.file(files[i].Path)
			}
		})
	}
	wg.Wait()
	total := parts[0]
	for _, p := range parts[1:] {
		total.add(p, true)
	}
	return total, errors.Join(errs...)
}

// totals is what the three ways must agree on.
type totals struct {
	Files, Lines, Functions int
	Hash                    string // of all of it, the tables' rows included
}

func totalsOf(s Stats) (totals, error) {
	slices.SortFunc(s.Unparsed, func(a, b Unparsed) int { return strings.Compare(a.Path, b.Path) })
	data, err := json.Marshal(s) // maps are sorted by key
	if err != nil {
		return totals{}, err
	}
	sum := sha256.Sum256(data)
	return totals{s.Files, s.Lines, s.Funcs, hex.EncodeToString(sum[:8])}, nil
}

// printTotals does the work in one of the ways. The clock of -compare is the process's life: it includes all of this.
func printTotals(ctx context.Context, way string, paths []string) error {
	do := ways[way]
	if do == nil {
		return fmt.Errorf("-way is %q: it takes serial, loop or muster", way)
	}
	files, err := find(paths)
	if err != nil {
		return err
	}
	s, err := do(ctx, files)
	if err != nil {
		return err
	}
	t, err := totalsOf(s)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(t)
}
