package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/history"
)

// keepHistory keeps a head's history by a process of its own for each time, so that the head has none of SQLite's memory.
func keepHistory(limit int64) func(ctx context.Context, dir string, question []byte) ([]byte, error) {
	return func(ctx context.Context, dir string, question []byte) ([]byte, error) {
		exe, err := os.Executable()
		if err != nil {
			return nil, err
		}
		read, write, err := os.Pipe() // open for as long as this process lives, and the other doesn't live longer
		if err != nil {
			return nil, err
		}
		defer read.Close()
		defer write.Close()
		if _, err := write.Write(append(question, '\n')); err != nil { // it is short, so it fits
			return nil, err
		}
		cmd := exec.CommandContext(ctx, exe, "serve", "history", "--dir="+dir, "--limit="+strconv.FormatInt(limit, 10))
		cmd.WaitDelay = stopping
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOMEMLIMIT=64MiB")
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		cmd.Stdin = read
		answer, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%w %s", err, strings.TrimSpace(complaint.String()))
		}
		return answer, nil
	}
}

// newKeepHistory is the other process.
func newKeepHistory() *cobra.Command {
	cmd := &cobra.Command{Use: "history", Args: cobra.NoArgs}
	dir := cmd.Flags().String("dir", "", "the folder of the history")
	limit := cmd.Flags().Int64("limit", 0, "how many bytes it may have")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return history.Serve(cmd.Context(), *dir, *limit, cmd.InOrStdin(), cmd.OutOrStdout())
	}
	return cmd
}
