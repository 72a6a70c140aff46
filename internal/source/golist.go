package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// listedModule is a module as go list prints it.
type listedModule struct {
	Path, Version, Dir, GoMod, GoVersion string
	Main                                 bool
	Replace                              *listedModule
}

// local reports whether the module's sources are the user's own: the main module, a member of the workspace, or a
// folder that replaces a module.
func (m *listedModule) local() bool {
	return m != nil && (m.Main || m.Replace != nil && m.Replace.Version == "")
}

// listed is a package as go list prints it.
type listed struct {
	Dir, ImportPath, Name, Export  string
	GoFiles, CgoFiles, SwigFiles   []string
	SFiles, HFiles, IgnoredGoFiles []string
	EmbedFiles, Imports            []string
	ImportMap                      map[string]string
	Module                         *listedModule
	Standard, Stale, DepOnly       bool
	Error                          *listError
}

type listError struct{ Pos, Err string }

const listFields = "-json=Dir,ImportPath,Name,Export,GoFiles,CgoFiles,SwigFiles,SFiles,HFiles,IgnoredGoFiles," +
	"EmbedFiles,Imports,ImportMap,Module,Standard,DepOnly,Error"

// golang runs the go command in the analysed folder.
type golang struct {
	dir string
	env []string
	run func(ctx context.Context, g golang, args []string) ([]byte, error) // command, but for tests
}

func (g golang) output(ctx context.Context, args ...string) ([]byte, error) {
	return g.run(ctx, g, args)
}

func command(ctx context.Context, g golang, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), g.env...)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(trouble.String()))
	}
	return out.Bytes(), nil
}

// list runs go list. Packages that have errors are listed too.
func (g golang) list(ctx context.Context, args ...string) ([]*listed, error) {
	out, err := g.output(ctx, append([]string{"list", "-e"}, args...)...)
	if err != nil {
		return nil, err
	}
	var all []*listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(listed)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		all = append(all, p)
	}
}

// resolve is the import path that path means in p, which differs in vendored parts of the standard library.
func (p *listed) resolve(path string) string {
	if mapped := p.ImportMap[path]; mapped != "" {
		return mapped
	}
	return path
}
