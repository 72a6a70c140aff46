//go:build linux

package main

import (
	"errors"
	"os/exec"
	"strings"
	"time"
)

// build builds the place's program.
func (p *place) build(name string, flags ...string) string {
	p.t.Helper()
	return p.buildIn(p.dir, name, flags...)
}

// buildIn builds the program in a folder.
func (p *place) buildIn(dir, name string, flags ...string) string {
	p.t.Helper()
	exe := p.state(name)
	cmd := p.command()
	cmd.Dir = dir
	path, err := exec.LookPath("go")
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Path, cmd.Args = path, append(append([]string{"go", "build"}, flags...), "-o", exe, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// program runs what was built, and gives what it prints and its exit code.
func (p *place) program(exe string, env []string, args ...string) (string, int) {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.Path, cmd.Args[0] = exe, exe
	cmd.Env = append(cmd.Env, env...)
	limit := time.AfterFunc(watchdog, func() {
		p.t.Errorf("%s %s doesn't end", exe, strings.Join(args, " "))
		_ = cmd.Process.Kill() // it was started, or took no time
	})
	defer limit.Stop()
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
