// Command muster runs programs that use the library, and looks after what they keep: jobs that resume, cached results,
// fingerprints of their code.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/vet"
)

func main() {
	if vet.IsUnit(os.Args[1:]) { // called by go vet -vettool
		vet.Unit(os.Args[1:])
		return
	}
	ctx, stop := untilSignal(context.Background())
	err := newRoot().ExecuteContext(ctx)
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

// codeError ends the command with a code of its own; what there is to say has been said.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a wrong command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error, stderr *os.File) int {
	var code codeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(stderr, "muster:", strings.ReplaceAll(withRemedy(err).Error(), "\n", "\nmuster: ")) // of several errors each
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// withRemedy says what to do about an error of the system's that doesn't say so itself.
func withRemedy(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: make room there, or choose a folder on another disk: --state, TMPDIR", err)
	}
	return err
}

// newRoot is the whole command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "muster",
		Short: "Run typed Go functions in parallel, and look after what they keep",
		Example: `  muster run ./cmd/simulate --seed 7        build and run a program; its functions' code is fingerprinted
  muster run --job nightly ./cmd/simulate   the same; when it is stopped and run again, it goes on where it was
  muster up                                 make a cluster of this machine, for others to join; muster run uses it
  muster submit --name nightly ./cmd/sim    a program that runs there by itself; muster attach nightly follows it
  muster top                                its nodes and jobs
  muster jobs                               what is recorded, here or on the cluster
  muster cache stats                        how much is cached
  muster vet ./...                          mistakes that the compiler can't see`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(), newSubmit(), newAttach(), newJobs(), newJob(), newCache(), newWhyCached(), newFingerprint(), newVet())
	root.AddCommand(newUp(), newDown(), newJoin(), newLeave(), newNodes(), newTasks(), newWhy(), newCancel(), newLogs())
	root.AddCommand(newEvents(), newTop(), newDrain(), newUndrain(), newDoctor(), newHistory())
	root.AddCommand(newToken(), newUser(), newIdentity(), newContext(), newServe(), newExitCodes())
	root.AddCommand(newBench(), newBenchDriver(), newYardstick())
	wrapArgs(root)
	return root
}

// wrapArgs makes wrong arguments of a command and those below it usage errors.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, below := range cmd.Commands() {
		wrapArgs(below)
	}
}
