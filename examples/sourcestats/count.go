package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// count reads and parses a batch of files.
func count(ctx context.Context, files []File) (Stats, error) {
	s := newStats()
	c := counter{into: &s}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if err := c.file(f.Path); err != nil {
			return s, err
		}
	}
	return s, nil
}

// counter counts files, one after the other, with one buffer.
type counter struct {
	into *Stats
	src  []byte
}

// file counts one file. That it doesn't parse is a finding, not an error.
func (c *counter) file(path string) error {
	if err := c.read(path); err != nil {
		return err
	}
	s := c.into
	s.Files++
	s.Bytes += len(c.src)
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, c.src, parser.SkipObjectResolution)
	if err != nil {
		s.Unparsed = append(s.Unparsed, Unparsed{path, err.Error()})
		return nil //nolint:nilerr // listed above
	}
	pkg := Package{Files: 1, Lines: set.File(f.FileStart).LineCount()}
	for _, im := range f.Imports {
		if p, err := strconv.Unquote(im.Path.Value); err == nil {
			s.Imports[p]++
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			s.Idents[n.Name]++
		case *ast.FuncDecl:
			pkg.Funcs++
			pkg.Longest = longer(pkg.Longest, Function{name(n), set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1})
		}
		return true
	})
	s.Lines += pkg.Lines
	s.Funcs += pkg.Funcs
	dir := filepath.Dir(path)
	s.Packages[dir] = s.Packages[dir].plus(pkg)
	return nil
}

// read puts a file into the buffer.
func (c *counter) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if n := int(info.Size()); cap(c.src) < n {
		c.src = make([]byte, n+n/4)
	}
	c.src = c.src[:info.Size()]
	_, err = io.ReadFull(f, c.src)
	return err
}

// name is a function's, with its receiver's type for a method.
func name(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}
