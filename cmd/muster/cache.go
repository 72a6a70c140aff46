package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/event"
)

func newCache() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cache", Short: "Look at cached results, check and remove them", Args: cobra.NoArgs, RunE: help,
		Example: `  muster cache ls --func count    the results of one function
  muster cache show 3fa9          one result, by the beginning of its key
  muster cache prune --to 1GiB    remove what was used least recently
  muster cache verify             read everything, and compare it with its checksums`,
	}
	dir := addDir(cmd)
	cmd.AddCommand(newCacheList(dir), newCacheShow(dir), newCacheRemove(dir), newCachePrune(dir), newCacheVerify(dir), newCacheStats(dir))
	return cmd
}

// openCache opens the store as it is; what it has to report goes to standard error.
func openCache(dir string) (*cache.Store, error) {
	return cache.Open(dir, cache.Options{Existing: true, Report: func(n cache.Notice) {
		if n.Kind != event.CacheEvicted {
			fmt.Fprintln(os.Stderr, "muster:", n)
		}
	}})
}

// withCache runs a command on the store.
func withCache(dir *string, do func(cmd *cobra.Command, s *cache.Store, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := openCache(*dir)
		if err != nil {
			return err
		}
		return errors.Join(do(cmd, s, args), s.Close())
	}
}

// entryJSON is an entry as programs read it.
type entryJSON struct {
	Key         string    `json:"key"`
	Func        string    `json:"func"`
	Fingerprint string    `json:"fingerprint"`
	Version     string    `json:"version"`
	Args        string    `json:"args"`
	Summary     string    `json:"summary"`
	Length      int64     `json:"length"`
	Size        int64     `json:"size"`
	Created     time.Time `json:"created"`
	Used        time.Time `json:"used"`
	Raw         bool      `json:"raw"`
	Compressed  bool      `json:"compressed"`
	Mapped      bool      `json:"mapped"`
}

func forJSON(e cache.Entry) entryJSON {
	return entryJSON{
		e.Key.String(), e.Info.Func, e.Info.Fingerprint, e.Info.Version, e.Info.Args.String(), e.Info.Summary,
		e.Length, e.Size, e.Created, e.Used, e.Raw, e.Compressed, e.Mapped,
	}
}

// entries lists a store, the entry used last first. Damaged ones have been reported.
func entries(s *cache.Store, keep func(cache.Entry) bool) []cache.Entry {
	var list []cache.Entry
	for e, err := range s.List() {
		if err == nil && keep(e) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b cache.Entry) int {
		if c := b.Used.Compare(a.Used); c != 0 {
			return c
		}
		return b.Created.Compare(a.Created)
	})
	return list
}

const shortKey = 12

func newCacheList(dir *string) *cobra.Command {
	cmd := &cobra.Command{Use: "ls", Short: "List cached results, those used last first", Args: cobra.NoArgs}
	asJSON := addJSON(cmd)
	fn := cmd.Flags().String("func", "", "only the results of this function")
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, _ []string) error {
		list := entries(s, func(e cache.Entry) bool { return *fn == "" || e.Info.Func == *fn })
		if *asJSON {
			all := make([]entryJSON, len(list))
			for i, e := range list {
				all[i] = forJSON(e)
			}
			return printJSON(cmd.OutOrStdout(), all)
		}
		if len(list) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no cached results in", s.Dir())
			return nil
		}
		rows := [][]string{{"KEY", "FUNCTION", "VERSION", "CODE", "ARGUMENT", "SIZE", "STORED", "USED"}}
		for _, e := range list {
			rows = append(rows, []string{
				e.Key.String()[:shortKey], e.Info.Func, dash(e.Info.Version), clip(e.Info.Fingerprint, 9), clip(e.Info.Summary, 40),
				size(e.Size), ago(e.Created), ago(e.Used),
			})
		}
		return table(cmd.OutOrStdout(), rows)
	})
	return cmd
}

// find gives the entry whose key begins with a text.
func find(s *cache.Store, prefix string) (cache.Entry, error) {
	var found []cache.Entry
	if len(prefix) > 0 {
		found = entries(s, func(e cache.Entry) bool { return strings.HasPrefix(e.Key.String(), strings.ToLower(prefix)) })
	}
	switch len(found) {
	case 0:
		return cache.Entry{}, fmt.Errorf("no cached result has a key that begins with %q: muster cache ls lists them", prefix)
	case 1:
		return found[0], nil
	default:
		return cache.Entry{}, fmt.Errorf("the keys of %d cached results begin with %q: give more of it", len(found), prefix)
	}
}

func newCacheShow(dir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show KEY", Short: "Show what is known of a cached result; the beginning of its key will do", Args: cobra.ExactArgs(1),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, args []string) error {
		e, err := find(s, args[0])
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if *asJSON {
			return printJSON(w, forJSON(e))
		}
		form := "encoded"
		switch {
		case e.Mapped:
			form = "the memory of a slice, mapped by each process that asks for it"
		case e.Raw:
			form = "the memory of a slice"
		case e.Compressed:
			form = "encoded and compressed"
		}
		rows := [][]string{
			{"key", e.Key.String()}, {"function", e.Info.Func}, {"code", e.Info.Fingerprint}, {"version", dash(e.Info.Version)},
			{"argument", clip(e.Info.Summary, 200)}, {"its hash", e.Info.Args.String()},
			{"result", size(e.Length) + ", " + form}, {"file", size(e.Size)},
			{"stored", e.Created.Format(time.DateTime)}, {"used", ago(e.Used)},
		}
		for _, f := range e.Info.Fields {
			rows = append(rows, []string{"field " + f.Name, fmt.Sprintf("%x", f.Hash)})
		}
		return table(w, rows)
	})
	return cmd
}
