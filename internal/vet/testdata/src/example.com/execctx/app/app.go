package app

import (
	"context"
	"os/exec"

	"example.com/execctx/run"
	"github.com/musterrun/muster"
)

var (
	convert = muster.Func("convert", func(ctx context.Context, path string) ([]byte, error) {
		return exec.Command("convert", path).Output() // want `exec.Command starts a process that runs on when the task ends \(Func "convert"\): use exec.CommandContext`
	})
	shared = muster.Func("helper", helper)
	git    = muster.Func("git", func(ctx context.Context, path string) ([]byte, error) {
		return run.Git("log", path) // want `Func "git" reaches exec.Command \(example.com/execctx/run/run.go:\d+\)`
	})
	other = muster.Func("other", func(ctx context.Context, path string) ([]byte, error) {
		return exec.CommandContext(context.Background(), "convert", path).Output() // want `exec.CommandContext with context.Background\(\) starts a process`
	})
)

var byVariable = func(ctx context.Context, path string) ([]byte, error) {
	return exec.Command("convert", path).Output() // want `Func "variable"`
}

func maker(tool string) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, path string) ([]byte, error) {
		return exec.Command(tool, path).Output() // want `Func "made"`
	}
}

var (
	made     = muster.Func("made", maker("x"))
	variable = muster.Func("variable", byVariable)
)

func helper(ctx context.Context, path string) ([]byte, error) { return plain(path) }

func plain(path string) ([]byte, error) {
	cmd := exec.Command("convert", path) // want `exec.Command starts a process`
	return cmd.Output()
}

func local(ctx context.Context) error {
	f := muster.Local(func(ctx context.Context, path string) ([]byte, error) {
		return exec.Command("convert", path).Output() // want `a Local function`
	})
	_, err := f.Call(ctx, "x")
	return err
}

// What follows ends with its task, or belongs to none.
var (
	good = muster.Func("good", func(ctx context.Context, path string) ([]byte, error) {
		long, cancel := context.WithCancel(ctx)
		defer cancel()
		if _, err := run.GitContext(ctx, "log"); err != nil {
			return nil, err
		}
		return exec.CommandContext(long, "convert", path).Output()
	})
	own = muster.Func("own", owner)
)

func owner(ctx context.Context, path string) ([]byte, error) {
	cmd := exec.Command("convert", path)
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	return cmd.Output()
}

func setUp() error { return exec.Command("convert", "--version").Run() }

func driver(ctx context.Context) error {
	if _, err := run.Git("status"); err != nil {
		return err
	}
	if _, err := good.Call(ctx, "x"); err != nil {
		return err
	}
	return setUp()
}
