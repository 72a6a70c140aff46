package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cache"
)

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
