// Package run starts processes.
package run

import (
	"context"
	"os/exec"
)

// Git ignores its caller's end.
func Git(args ...string) ([]byte, error) { return command(args).Output() }

func command(args []string) *exec.Cmd { return exec.Command("git", args...) }

// GitContext doesn't.
func GitContext(ctx context.Context, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, "git", args...).Output()
}
