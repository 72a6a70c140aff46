package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// runForeground runs both in this process until ctx ends.
func (f *upFlags) runForeground(cmd *cobra.Command, state daemon.Folder) error {
	ctx := cmd.Context()
	if err := headMayStart(state); err != nil {
		return err
	}
	head, err := startHead(ctx, state, &f.head, true, os.Stderr)
	if err != nil {
		return err
	}
	defer head.stop()
	last := head
	if !f.noAgent {
		if last, err = f.foregroundAgent(ctx, state); err != nil {
			return err
		}
		defer last.stop()
	}
	if err := f.report(cmd, state, false); err != nil {
		return err
	}
	last.wait(ctx)
	fmt.Fprintln(cmd.ErrOrStderr(), "muster: stopping")
	return nil
}

func (f *upFlags) foregroundAgent(ctx context.Context, state daemon.Folder) (*service, error) {
	r, err := dialHead(ctx, state)
	if err != nil {
		return nil, err
	}
	defer r.Conn.Close()
	if err := enroll(ctx, r, state); err != nil {
		return nil, err
	}
	a, err := startAgent(ctx, state, &f.agent, true, os.Stderr)
	if err != nil {
		return nil, err
	}
	if err := awaitNode(ctx, r, state); err != nil {
		a.stop()
		return nil, err
	}
	return a, nil
}
