package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/musterrun/muster/protocol"
)

// Variables by which a program learns what it is to ship: lists that are separated as those of paths are.
const (
	envBinaries = protocol.EnvBinaries // OS/ARCH=PATH
	envFiles    = protocol.EnvFiles    // NAME=PATH
)

// mostEnv is how long a variable may be, which Linux bounds by 128 KiB.
const mostEnv = 120 << 10

// platform is a system and an architecture, as Go names them.
type platform struct{ system, arch string }

func (p platform) String() string { return p.system + "/" + p.arch }

func ownPlatform() platform { return platform{runtime.GOOS, runtime.GOARCH} }

// otherPlatforms is those of the nodes that live, without this machine's.
func otherPlatforms(nodes []protocol.NodeInfo) []platform {
	var out []platform
	for _, n := range nodes {
		p := platform{n.OS, n.Arch}
		if n.Alive && p != ownPlatform() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// crossBuild builds a program for another platform.
func (b *builder) crossBuild(ctx context.Context, p platform) (exe string, err error) {
	exe = filepath.Join(b.dir, p.system+"-"+p.arch, programName(b.pkg))
	if p.system == "windows" {
		exe += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", append(b.args(), "-o", exe, b.pkg)...)
	cmd.Env = append(os.Environ(), "GOOS="+p.system, "GOARCH="+p.arch, "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = b.stderr, b.stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s for %s, which nodes of the cluster are: %w", b.pkg, p, err)
	}
	return exe, nil
}

// built is an executable for a platform.
type built struct {
	platform

	path string
}

// forNodes builds a program for the platforms of the nodes; own is that of this one.
func (b *builder) forNodes(ctx context.Context, own string, nodes []protocol.NodeInfo) ([]built, error) {
	list := []built{{ownPlatform(), own}}
	for _, p := range otherPlatforms(nodes) {
		fmt.Fprintf(b.stderr, "muster: building for %s too, which nodes are\n", p)
		exe, err := b.crossBuild(ctx, p)
		if err != nil {
			return nil, err
		}
		list = append(list, built{p, exe})
	}
	return list, nil
}

// binaries is the variable that lists what is built for the nodes.
func (b *builder) binaries(ctx context.Context, own string, nodes []protocol.NodeInfo) (string, error) {
	list, err := b.forNodes(ctx, own, nodes)
	if err != nil {
		return "", err
	}
	var entries []string
	for _, one := range list {
		entries = append(entries, one.String()+"="+one.path)
	}
	return envList(envBinaries, entries)
}

// envList is a variable with a list in it.
func envList(name string, list []string) (string, error) {
	for _, entry := range list {
		if strings.ContainsRune(entry, filepath.ListSeparator) {
			return "", fmt.Errorf("%q has a %q, which separates paths in lists: rename it, or set TMPDIR if it is a temporary file",
				entry, filepath.ListSeparator)
		}
	}
	text := strings.Join(list, string(filepath.ListSeparator))
	if len(text) > mostEnv {
		return "", fmt.Errorf("%d files have too long a list of names: put them into an archive, and ship that", len(list))
	}
	return name + "=" + text, nil
}

// shipped lists the files that --with names, by what they are called in the job's folder: a file by its name, a folder's
// by their paths from where the folder is.
func shipped(with []string) ([]string, error) {
	var list []string
	names := map[string]string{}
	add := func(name, from string) error {
		if strings.Contains(name, "=") {
			return fmt.Errorf("ship %s: its name has a =", from)
		}
		if other, ok := names[name]; ok {
			return fmt.Errorf("ship %s: %s would have the same name, %s", from, other, name)
		}
		names[name] = from
		list = append(list, name+"="+from)
		return nil
	}
	for _, w := range with {
		from, err := filepath.Abs(w)
		if err != nil {
			return nil, fmt.Errorf("ship %s: %w", w, err)
		}
		if err := eachFile(from, add); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func eachFile(from string, add func(name, from string) error) error {
	base := filepath.Dir(from)
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(p) // a link's target
		if err != nil || !info.Mode().IsRegular() {
			return errors.Join(err, nil)
		}
		rel, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		return add(path.Clean(filepath.ToSlash(rel)), p)
	})
	if err != nil {
		return fmt.Errorf("--with %s: %w", from, err)
	}
	return nil
}
