package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
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

func newCacheRemove(dir *string) *cobra.Command {
	cmd := &cobra.Command{Use: "rm [KEY...]", Short: "Remove cached results; the beginnings of their keys will do"}
	asJSON := addJSON(cmd)
	fn := cmd.Flags().String("func", "", "all results of this function")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if (len(args) == 0) == (*fn == "") {
			return errors.New("name keys, or a function by --func")
		}
		return nil
	}
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, args []string) error {
		var list []cache.Entry
		for _, a := range args {
			e, err := find(s, a)
			if err != nil {
				return err
			}
			list = append(list, e)
		}
		if *fn != "" {
			list = entries(s, func(e cache.Entry) bool { return e.Info.Func == *fn })
		}
		for _, e := range list {
			if _, err := s.Remove(e.Key); err != nil {
				return err
			}
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), map[string]int{"entries": len(list)})
		}
		fmt.Fprintln(cmd.OutOrStdout(), "removed", plural(len(list), "result"))
		return nil
	})
	return cmd
}

func newCachePrune(dir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "prune", Short: "Remove what was used least recently", Args: cobra.NoArgs,
		Example: "  muster cache prune --to 500MiB\n  muster cache prune --unused 720h",
	}
	asJSON := addJSON(cmd)
	to := cmd.Flags().String("to", "", "remove until this much is left, such as 1GiB (default: the cache's limit)")
	unused := cmd.Flags().Duration("unused", 0, "remove what wasn't used for this long")
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, _ []string) error {
		limit := s.Limit()
		switch {
		case *unused < 0:
			return usageError{fmt.Errorf("--unused %v: it must not be negative", *unused)}
		case *unused > 0:
			limit = -1
		}
		if cmd.Flags().Changed("to") {
			var err error
			if limit, err = parseSize(*to); err != nil {
				return usageError{err}
			}
		}
		p, err := s.Prune(cmd.Context(), limit, *unused)
		if *asJSON {
			done := map[string]int64{"entries": int64(p.Entries), "bytes": p.Bytes, "left": p.Left}
			return errors.Join(printJSON(cmd.OutOrStdout(), done), err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "removed %s of %s, %s are left\n", plural(p.Entries, "result"), size(p.Bytes), size(p.Left))
		return err
	})
	return cmd
}

// parseSize reads a number of bytes, such as 500, 10k, 1.5MB or 2GiB; powers of 1,024 either way.
func parseSize(s string) (int64, error) {
	unit := strings.ToLower(strings.TrimLeft(s, "0123456789."))
	factor, ok := map[string]float64{
		"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
		"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30, "t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
	}[strings.TrimSpace(unit)]
	n, err := strconv.ParseFloat(s[:len(s)-len(unit)], 64)
	if !ok || err != nil || n < 0 || n*factor > 1<<62 {
		return 0, fmt.Errorf("%q is no size: write 500MiB or 2GiB", s)
	}
	return int64(n * factor), nil
}

func newCacheVerify(dir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify", Short: "Compare every cached result with its checksum; damaged ones are moved aside", Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, _ []string) error {
		if _, err := os.Stat(s.Dir()); *dir != "" && isGone(err) { // a wrong name isn't to look like a cache that is whole
			return fmt.Errorf("there is no folder %s: give the one of Config.CacheDir, or no --dir for the user's", s.Dir())
		}
		var progress func(cache.Verified)
		if term.IsTerminal(int(os.Stderr.Fd())) {
			progress = func(v cache.Verified) { fmt.Fprintf(os.Stderr, "\r%s, %s", plural(v.Entries, "result"), size(v.Bytes)) }
		}
		v, err := s.Verify(cmd.Context(), progress)
		if progress != nil {
			fmt.Fprint(os.Stderr, "\r\x1b[K")
		}
		if *asJSON {
			err = errors.Join(printJSON(cmd.OutOrStdout(), map[string]int64{
				"entries": int64(v.Entries), "bytes": v.Bytes, "damaged": int64(v.Damaged),
			}), err)
		} else {
			fmt.Fprintf(cmd.OutOrStdout(), "%s of %s are whole, %d damaged\n", plural(v.Entries, "result"), size(v.Bytes), v.Damaged)
		}
		if err == nil && v.Damaged > 0 {
			return codeError(exitFailed)
		}
		return err
	})
	return cmd
}

func newCacheStats(dir *string) *cobra.Command {
	cmd := &cobra.Command{Use: "stats", Short: "How much is cached, and how much may be", Args: cobra.NoArgs}
	asJSON := addJSON(cmd)
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, _ []string) error {
		st, err := s.Stats()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), map[string]any{
				"dir": s.Dir(), "entries": st.Entries, "bytes": st.Bytes, "limit": st.Limit, "damaged": st.Damaged,
				"writing": st.Writing, "oldest": st.Oldest,
			})
		}
		return table(cmd.OutOrStdout(), [][]string{
			{"folder", s.Dir()}, {"results", strconv.Itoa(st.Entries)}, {"size", fmt.Sprintf("%s of %s", size(st.Bytes), size(st.Limit))},
			{"being written", strconv.Itoa(st.Writing)}, {"damaged, moved aside", strconv.Itoa(st.Damaged)}, {"least recently used", ago(st.Oldest)},
		})
	})
	return cmd
}
