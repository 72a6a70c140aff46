package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/musterrun/muster/cache"
)

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
