package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/source"
)

func newFingerprint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fingerprint [PACKAGES]",
		Short: "Write down the code of registered functions, so that cached results and jobs outlive a build",
		Long: `Writes a small file, muster_fingerprint.go, into each package of the module that a registered function reaches.
It embeds the package's sources and holds a hash of the code of each function that the package registers, and of all
that this code reaches in the module. A program that is built with up-to-date files finds the results that another
build has cached or recorded, for as long as that code is the same. With outdated ones it finds none, and says so.

Put this line into a file of each program, and run go generate before you build:

  //go:generate muster fingerprint ./...

muster run does the same without writing into your packages.`,
		Example: "  muster fingerprint ./...\n  muster fingerprint --check ./...   in CI: exit code 1 if a file is outdated",
	}
	check := cmd.Flags().Bool("check", false, "write nothing; exit with 1 if a file is outdated")
	tags := cmd.Flags().StringSlice("tags", nil, "build tags (default: those in GOFLAGS)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkPackages(cmd.Context(), args); err != nil {
			return err
		}
		m, err := source.Analyse(cmd.Context(), source.Config{Patterns: args, Tags: *tags})
		if err != nil {
			return err
		}
		return writeFingerprints(cmd, m, *check)
	}
	return cmd
}

// writeFingerprints writes the generated files, or only compares them, and says what is to be said of them.
func writeFingerprints(cmd *cobra.Command, m *source.Module, check bool) error {
	does, wrote, removed := m.WriteFiles, "wrote", "removed"
	if check {
		does, wrote, removed = m.Check, "outdated:", "not needed:"
	}
	c, err := does()
	for _, w := range append(m.Warnings, c.Warnings...) {
		fmt.Fprintln(cmd.ErrOrStderr(), "muster:", w)
	}
	if err != nil {
		return err
	}
	with := 0
	for _, f := range m.Functions {
		if f.Fingerprint != "" {
			with++
		}
	}
	for _, name := range c.Write {
		fmt.Fprintln(cmd.OutOrStdout(), wrote, name)
	}
	for _, name := range c.Remove {
		fmt.Fprintln(cmd.OutOrStdout(), removed, name)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d of %d registered functions have a fingerprint\n", with, len(m.Functions))
	if check && !c.None() {
		return codeError(exitFailed)
	}
	return nil
}

// checkPackages says which patterns match nothing: the analysis takes in the whole module anyway.
func checkPackages(ctx context.Context, patterns []string) error {
	if len(patterns) == 0 {
		return nil
	}
	out, err := exec.CommandContext(ctx, "go", append([]string{"list", "-f", "{{.ImportPath}}", "--"}, patterns...)...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "matched no packages") {
		return fmt.Errorf("find the packages %s: %s", strings.Join(patterns, " "), strings.TrimSpace(string(out)))
	}
	return nil
}
