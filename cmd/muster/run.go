package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/internal/source"
)

func newRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [flags] PACKAGE [ARGUMENTS]",
		Short: "Build a program with the fingerprints of its functions, and run it",
		Long: `Builds the program in a package, as go run does, and runs it here. The code of its registered functions is
fingerprinted on the way, so that cached results and recorded jobs are found again for as long as that code is the same;
nothing is written into your packages. What follows PACKAGE goes to the program; its exit code is this command's.`,
		Example: `  muster run ./examples/sourcestats
  muster run --job nightly ./cmd/simulate --seed 7   again with the same job: it goes on where it stopped`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().SetInterspersed(false)
	job := cmd.Flags().String("job", "", "record the run under this name; a run of the same job goes on where this one stops")
	tags := cmd.Flags().StringSlice("tags", nil, "build tags (default: those in GOFLAGS)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("job") {
			if err := journal.CheckName(*job); err != nil {
				return usageError{err}
			}
		}
		dir, err := os.MkdirTemp("", "muster-run-")
		if err != nil {
			return fmt.Errorf("run %s: %w", args[0], err)
		}
		defer os.RemoveAll(dir)
		exe, err := build(cmd.Context(), dir, args[0], *tags, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		p := exec.Command(exe, args[1:]...)
		p.Args[0] = filepath.Base(exe)
		p.Stdin, p.Stdout, p.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
		p.Env = append(os.Environ(), "MUSTER_COMMAND="+command(*tags, args[0]))
		if *job != "" {
			p.Env = append(p.Env, "MUSTER_JOB="+*job)
		}
		return runProgram(p)
	}
	return cmd
}

// command is how the program is run again, but for its job and its arguments.
func command(tags []string, pkg string) string {
	words := "muster run "
	if len(tags) > 0 {
		words += "--tags " + strings.Join(tags, ",") + " "
	}
	return words + pkg
}

// build builds the program of a package into dir.
func build(ctx context.Context, dir, pkg string, tags []string, stderr io.Writer) (string, error) {
	args := []string{"build"}
	if len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	there := make(chan error, 1)
	go func() { there <- checkPackages(ctx, []string{pkg}) }()
	overlay, unseen := fingerprints(ctx, dir, pkg, tags)
	if err := <-there; err != nil {
		return "", err
	}
	if unseen == nil {
		args = append(args, "-overlay="+overlay)
	}
	exe := filepath.Join(dir, programName(pkg))
	cmd := exec.CommandContext(ctx, "go", append(args, "-o", exe, pkg)...)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	if err := cmd.Run(); err != nil {
		if errors.As(err, new(*exec.ExitError)) {
			return "", codeError(exitFailed) // the go command has said why
		}
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	if info, err := os.Stat(exe); err != nil || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("build %s: it is no program (package main)", pkg)
	}
	if unseen != nil { // what keeps a program from being built, the go command says better
		fmt.Fprintf(stderr, "muster: no fingerprints: %v\n", unseen)
	}
	return exe, nil
}

// fingerprints writes the overlay with the generated files of a program.
func fingerprints(ctx context.Context, dir, pkg string, tags []string) (string, error) {
	m, err := source.Analyse(ctx, source.Config{Patterns: []string{pkg}, Tags: tags, Alone: true})
	if err != nil {
		return "", err
	}
	return m.Overlay(dir)
}

// programName is what the program calls itself: the last element of the package's path or folder.
func programName(pkg string) string {
	abs, err := filepath.Abs(pkg)
	if err != nil || filepath.Base(abs) == string(filepath.Separator) {
		return "program"
	}
	return strings.TrimSuffix(filepath.Base(abs), ".go")
}

// runProgram runs it to its end. Ctrl-C reaches it from the terminal; other signals are passed on.
func runProgram(p *exec.Cmd) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := p.Start(); err != nil {
		return fmt.Errorf("run %s: %w", p.Args[0], err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	for {
		select {
		case sig := <-signals:
			if sig != os.Interrupt {
				_ = p.Process.Signal(sig) // it may have ended
			}
		case err := <-done:
			return programEnd(err)
		}
	}
}

func programEnd(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if code := exit.ExitCode(); code > 0 {
		return codeError(code)
	}
	return fmt.Errorf("the program ended by %v", exit.ProcessState)
}
