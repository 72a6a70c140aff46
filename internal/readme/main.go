// Command readme holds what the documents promise. It follows the relative links of all Markdown files that git tracks
// below the current folder, and runs the commands of the given one: each fenced block marked sh, in order, by a bash of
// its own in the current folder, so that what the file tells a newcomer to type works. It ends with the first command
// that fails.
//
//	go run ./internal/readme README.md
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// limit is how long one block may take: a server, say, would run for ever.
const limit = 5 * time.Minute

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: readme FILE.md")
		os.Exit(2)
	}
	err := checkLinks()
	if err == nil {
		err = run(os.Args[1], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	found, err := blocks(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(found) == 0 {
		return fmt.Errorf("%s: no block is marked sh: nothing was run", file)
	}
	for _, b := range found {
		if err := b.run(out); err != nil {
			return fmt.Errorf("%s:%d: %w", file, b.line, err)
		}
	}
	return nil
}

// run types the block into a shell that shows each command and stops at the first that fails.
func (b block) run(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-euxo", "pipefail", "-c", b.script) // without an input: nobody answers
	shell.Stdout, shell.Stderr = out, out
	shell.WaitDelay = 10 * time.Second
	err := shell.Run()
	if ctx.Err() != nil {
		return fmt.Errorf("the commands ran longer than %v", limit)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("the last command shown failed: %w", err)
	}
	return err
}
