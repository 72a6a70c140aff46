package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// runFlags say how a program is built and where it runs.
type runFlags struct {
	job      string
	tags     []string
	with     []string
	local    bool
	takeOver bool
	context  *string
}

func newRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [flags] PACKAGE [ARGUMENTS]",
		Short: "Build a program with the fingerprints of its functions, and run it: here or on the cluster",
		Long: `Builds the program in a package, as go run does, and runs it. The code of its registered functions is fingerprinted on
the way, so that cached results and recorded jobs are found again for as long as that code is the same; nothing is written
into your packages. What follows PACKAGE goes to the program; its exit code is this command's.

With a current context, MUSTER_ADDR or --context, its functions run on that cluster: the program is also built for the
other platforms of its nodes, without cgo, and shipped to them, with the files that --with names. Functions find these in
their working folder, by the same name; those of a folder by their paths from where the folder is.`,
		Example: `  muster run ./examples/sourcestats
  muster run --job nightly ./cmd/simulate --seed 7   again with the same job: it goes on where it stopped
  muster run --with model.bin --with data ./infer    functions open model.bin and data/a.csv
  muster run --local ./cmd/simulate                  in one process, though there is a cluster`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().SetInterspersed(false)
	var f runFlags
	cmd.Flags().StringVar(&f.job, "job", "", "record the run under this name; a run of the same job goes on where this one stops")
	cmd.Flags().StringSliceVar(&f.tags, "tags", nil, "build tags (default: those in GOFLAGS)")
	cmd.Flags().StringArrayVar(&f.with, "with", nil, "a file or folder to ship to the nodes; may be repeated")
	cmd.Flags().BoolVar(&f.local, "local", false, "run in one process on this machine, though there is a cluster")
	cmd.Flags().BoolVar(&f.takeOver, "take-over", false, "take the job from a driver elsewhere that seems to live still")
	f.context = addContext(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("job") {
			if err := journal.CheckName(f.job); err != nil {
				return usageError{err}
			}
		}
		if f.takeOver && f.job == "" {
			return usageError{errors.New("--take-over is about a job with a name: give --job too")}
		}
		return f.run(cmd, args)
	}
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, args []string) error {
	dir, done, err := makeRunFolder()
	if err != nil {
		return fmt.Errorf("run %s: %w", args[0], err)
	}
	defer done()
	where, err := f.where(cmd.Context())
	if err != nil {
		return err
	}
	b := &builder{dir: dir, pkg: args[0], tags: f.tags, stderr: cmd.ErrOrStderr()}
	exe, err := b.build(cmd.Context())
	if err != nil {
		return err
	}
	p := exec.Command(exe, args[1:]...)
	p.Args[0] = filepath.Base(exe)
	p.Stdin, p.Stdout, p.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
	p.Env = append(os.Environ(), "MUSTER_COMMAND="+command(f.tags, args[0]))
	if f.job != "" {
		p.Env = append(p.Env, "MUSTER_JOB="+f.job)
	}
	if where == nil {
		p.Env = append(p.Env, envAddr+"=")
		return runProgram(p)
	}
	binaries, err := b.binaries(cmd.Context(), exe, where.nodes)
	if err != nil {
		return err
	}
	p.Env = append(p.Env, envAddr+"="+where.name, binaries, where.files)
	if f.takeOver {
		p.Env = append(p.Env, "MUSTER_TAKEOVER=1")
	}
	return runProgram(p)
}

// target is a cluster that a program is to run on.
type target struct {
	name  string // the context's
	nodes []protocol.NodeInfo
	files string // the variable that lists what is shipped
}

// where is the cluster to run on, or nil for this process. It is asked first, so that nothing is built in vain.
func (f *runFlags) where(ctx context.Context) (*target, error) {
	if f.local && *f.context != "" {
		return nil, usageError{errors.New("--local and --context exclude each other")}
	}
	name, err := clusterName(*f.context)
	if err != nil {
		return nil, err
	}
	if f.local || name == "" {
		if len(f.with) > 0 {
			return nil, usageError{errors.New("--with ships files to a cluster's nodes, and this runs on none: see muster context")}
		}
		return nil, nil //nolint:nilnil // nil is this process
	}
	list, err := shipped(f.with)
	if err != nil {
		return nil, err
	}
	files, err := envList(envFiles, list)
	if err != nil {
		return nil, err
	}
	r, err := dialContext(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%w; or run it in one process with --local", err)
	}
	defer r.Conn.Close()
	nodes, err := listNodes(ctx, r)
	return &target{r.name, nodes, files}, err
}

// command is how the program is run again, but for its job and its arguments.
func command(tags []string, pkg string) string {
	words := "muster run "
	if len(tags) > 0 {
		words += "--tags " + strings.Join(tags, ",") + " "
	}
	return words + pkg
}

// programName is what the program calls itself: the last element of the package's path or folder.
func programName(pkg string) string {
	abs, err := filepath.Abs(pkg)
	if err != nil || filepath.Base(abs) == string(filepath.Separator) {
		return "program"
	}
	return strings.TrimSuffix(filepath.Base(abs), ".go")
}

// runProgram runs it to its end. Ctrl-C reaches it from the terminal; other signals are passed on. Where the system can
// do that, it gets SIGTERM if this process is killed: nobody would see what it says. The system takes the thread that
// has started it for its parent, so that has to stay.
func runProgram(p *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.SysProcAttr = endsWithParent()
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
