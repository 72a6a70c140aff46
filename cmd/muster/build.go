package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/musterrun/muster/fingerprint"
	"github.com/musterrun/muster/internal/source"
)

// builder builds a program.
type builder struct {
	dir     string // for what it makes
	pkg     string
	tags    []string
	overlay string // of the fingerprints; "" for none
	alone   error  // why a file can't have any
	stderr  io.Writer
}

func (b *builder) args() []string {
	args := []string{"build"}
	if len(b.tags) > 0 {
		args = append(args, "-tags="+strings.Join(b.tags, ","))
	}
	if b.overlay != "" {
		args = append(args, "-overlay="+b.overlay)
	}
	return args
}

// wholePackage takes a file that is all of its folder's program for that folder: only packages have fingerprints.
func (b *builder) wholePackage(ctx context.Context) {
	if !strings.HasSuffix(b.pkg, ".go") {
		return
	}
	dir := filepath.Dir(b.pkg)
	if dir != "." && !filepath.IsAbs(dir) { // else the go command takes it for an import path
		dir = "." + string(filepath.Separator) + dir
	}
	args := []string{"list", "-f", `{{join .GoFiles " "}}{{join .CgoFiles " "}}`, "-tags=" + strings.Join(b.tags, ","), "--", dir}
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	files := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return name == fingerprint.File })
	if err == nil && len(files) == 1 && files[0] == filepath.Base(b.pkg) {
		b.pkg = dir
		return
	}
	b.alone = fmt.Errorf("%s is built alone, without the rest of its folder: name the folder, muster run %s", b.pkg, dir)
}

// build builds the program for this machine.
func (b *builder) build(ctx context.Context) (string, error) {
	b.wholePackage(ctx)
	there := make(chan error, 1)
	go func() { there <- checkPackages(ctx, []string{b.pkg}) }()
	overlay, unseen := "", b.alone
	if unseen == nil {
		overlay, unseen = fingerprints(ctx, b.dir, b.pkg, b.tags)
	}
	if err := <-there; err != nil {
		return "", err
	}
	if unseen == nil {
		b.overlay = overlay
	}
	exe := filepath.Join(b.dir, programName(b.pkg))
	cmd := exec.CommandContext(ctx, "go", append(b.args(), "-o", exe, b.pkg)...)
	cmd.Stdout, cmd.Stderr = b.stderr, b.stderr
	if err := cmd.Run(); err != nil {
		if errors.As(err, new(*exec.ExitError)) {
			return "", codeError(exitFailed) // the go command has said why
		}
		return "", fmt.Errorf("build %s: %w", b.pkg, err)
	}
	if info, err := os.Stat(exe); err != nil || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("build %s: it is no program (package main)", b.pkg)
	}
	if unseen != nil { // what keeps a program from being built, the go command says better
		fmt.Fprintf(b.stderr, "muster: no fingerprints: %v\n", unseen)
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
