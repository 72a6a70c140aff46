package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/engine/remote"
	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// submitFlags say what is submitted.
type submitFlags struct {
	name    string
	tags    []string
	with    []string
	env     []string
	labels  []string
	context *string
}

func newSubmit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "submit [flags] PACKAGE|EXECUTABLE [ARGUMENTS]",
		Short: "Have the cluster run a program: its driver too, which is started again after the loss of its machine",
		Long: `Builds the program in a package, as muster run does, or takes an executable, gives it to the cluster with the files that
--with names, and returns: a node runs the driver from then on. If that node is lost, or a signal ends the driver, it is
started again, on another node if need be, at most 5 times within an hour, and goes on where it was, since its job has the
submission's name. An exit code is final. What follows PACKAGE goes to the program.

The driver runs in a folder of its own, where it finds the files of --with, in a clean environment with what --env adds, and
acts for you by an identity that ends with it. It is charged nothing of its node, which runs four for each CPU at most.`,
		Example: `  muster submit --name nightly ./cmd/simulate --seed 7
  muster attach nightly            follows what it writes, and ends with its exit code
  muster jobs                      how far it is
  muster cancel nightly            ends it for good
  muster submit --with model.bin --env TOKEN --label zone=a ./infer`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().SetInterspersed(false)
	var f submitFlags
	cmd.Flags().StringVar(&f.name, "name", "", "what it and its job are called (default: the program's name and four letters)")
	cmd.Flags().StringSliceVar(&f.tags, "tags", nil, "build tags (default: those in GOFLAGS)")
	cmd.Flags().StringArrayVar(&f.with, "with", nil, "a file or folder to ship to the driver and the nodes; may be repeated")
	cmd.Flags().StringArrayVar(&f.env, "env", nil, "a variable of the driver's, NAME=value, or NAME as it is here; may be repeated")
	cmd.Flags().StringArrayVar(&f.labels, "label", nil, "a label that the driver's node must have, NAME=VALUE; may be repeated")
	f.context = addContext(cmd)
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := f.run(cmd, args)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), s)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "submitted %s: muster attach %s follows it, muster jobs says how far it is, muster cancel %s ends it\n",
			s.Name, s.Name, s.Name)
		return nil
	}
	return cmd
}

func (f *submitFlags) run(cmd *cobra.Command, args []string) (s protocol.Submission, err error) {
	ctx := cmd.Context()
	in, err := f.request(args)
	if err != nil {
		return s, err
	}
	files, err := shipped(f.with)
	if err == nil {
		_, err = envList(envFiles, files) // which the driver passes on
	}
	if err != nil {
		return s, err
	}
	user, nodes, err := f.dial(ctx, in.Name)
	if err != nil {
		return s, err
	}
	defer user.Close()
	dir, done, err := makeRunFolder()
	if err != nil {
		return s, fmt.Errorf("submit %s: %w", args[0], err)
	}
	defer done()
	rc := remote.Config{Cluster: user}
	if rc.Binaries, err = f.binaries(cmd, dir, args[0], nodes); err != nil {
		return s, err
	}
	for _, entry := range files {
		name, from, _ := strings.Cut(entry, "=")
		rc.Files = append(rc.Files, remote.File{Path: name, From: from})
	}
	if in.Binaries, in.Files, err = rc.Upload(ctx); err != nil {
		return s, err
	}
	return s, user.Ask(ctx, protocol.OpSubmit, in, &s)
}

// request is what is asked, without what is uploaded.
func (f *submitFlags) request(args []string) (*protocol.Submit, error) {
	program := programName(args[0])
	in := &protocol.Submit{
		Major: protocol.Major, Minor: protocol.Minor, Program: program, Args: args[1:],
		Name: f.name,
	}
	if in.Name == "" {
		in.Name = program + "-" + strings.ToLower(rand.Text()[:4])
	}
	if err := journal.CheckName(in.Name); err != nil {
		return nil, usageError{err}
	}
	for _, e := range f.env {
		name, _, whole := strings.Cut(e, "=")
		value, set := os.LookupEnv(name)
		switch {
		case name == "" || strings.HasPrefix(name, "MUSTER_"):
			return nil, usageError{fmt.Errorf("--env %q: it is NAME or NAME=value, and names that begin with MUSTER_ are muster's own", e)}
		case whole:
			in.Env = append(in.Env, e)
		case set:
			in.Env = append(in.Env, name+"="+value)
		default:
			return nil, usageError{fmt.Errorf("--env %s: it isn't set here: set it, or pass --env %s=VALUE", name, name)}
		}
	}
	for _, l := range f.labels {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--label %q: it is NAME=VALUE", l)}
		}
		in.Labels = append(in.Labels, protocol.Label{Name: name, Value: value})
	}
	return in, nil
}

// dial connects, and looks whether the name is free, so that nothing is built in vain.
func (f *submitFlags) dial(ctx context.Context, name string) (*remote.User, []protocol.NodeInfo, error) {
	cluster, err := clusterName(*f.context)
	if err != nil {
		return nil, nil, err
	}
	cluster, id, err := findContext(cluster)
	if err != nil {
		return nil, nil, err
	}
	user, err := remote.Dial(ctx, id, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("context %s: %w", cluster, err)
	}
	var jobs []protocol.JobInfo
	var nodes []protocol.NodeInfo
	err = errors.Join(user.Ask(ctx, protocol.OpListJobs, protocol.JobID{Job: name}, &jobs), user.Ask(ctx, protocol.OpListNodes, nil, &nodes))
	for _, j := range jobs {
		if s := j.Submitted; s != nil && j.Owner == id.Name && s.State.Live() && err == nil {
			err = fmt.Errorf("%q is submitted already, and %s: muster attach %s follows it, muster cancel %s ends it", name, s.State, name, name)
		}
	}
	if err != nil {
		user.Close()
		return nil, nil, err
	}
	return user, nodes, nil
}

// binaries is the executable that is named, or what the package is built to, for each platform of the nodes.
func (f *submitFlags) binaries(cmd *cobra.Command, dir, program string, nodes []protocol.NodeInfo) (list []remote.Binary, err error) {
	b := &builder{dir: dir, pkg: program, tags: f.tags, stderr: cmd.ErrOrStderr()}
	if isExecutable(program) {
		own := ownPlatform()
		return []remote.Binary{{OS: own.system, Arch: own.arch, Path: program}}, nil
	}
	exe, err := b.build(cmd.Context())
	if err != nil {
		return nil, err
	}
	built, err := b.forNodes(cmd.Context(), exe, nodes)
	for _, one := range built {
		list = append(list, remote.Binary{OS: one.system, Arch: one.arch, Path: one.path})
	}
	return list, err
}

// isExecutable reports whether a program is one that is built, and not a package: a file that may be run.
func isExecutable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && filepath.Ext(name) != ".go" &&
		(info.Mode()&0o111 != 0 || filepath.Ext(name) == ".exe")
}
