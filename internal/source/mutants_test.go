package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestMutants changes each literal and operator of the archives, drops each statement, and runs the programs whose
// fingerprint stays: f must return what it returned before. It takes every sixteenth change, unless MUSTER_EDITS=all.
func TestMutants(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds programs")
	}
	muster := newStandIn(t)
	for _, s := range suites(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if len(s.ways()) == 0 {
				t.Skip("it can't run here")
			}
			before := afterEdit(t, s.archive, "", muster, ways[:1])
			for i, m := range mutants(t, s.archive) {
				if i%16 != 0 && !allEdits {
					continue
				}
				t.Run(m.name, func(t *testing.T) {
					t.Parallel()
					m.try(t, muster, before)
				})
			}
		})
	}
}

// mutant is an archive with one change.
type mutant struct{ name, archive string }

// try runs a mutant, unless it doesn't compile or has another fingerprint.
func (m mutant) try(t *testing.T, muster standIn, before outcome) {
	t.Helper()
	dir := newEdited(t, m.archive, "", muster)
	found, err := analyse(t.Context(), Config{Dir: dir}, golang{dir: dir, run: remember})
	if err != nil || function(t, found, "f").Fingerprint != before.function.Fingerprint {
		return
	}
	if _, err := found.WriteFiles(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "-trimpath", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if !answerOfF.Match(out) {
		t.Skip("main doesn't come to call f", err)
	}
	if now, was := hear(t, string(out)), before.said["go run"]; now != was {
		t.Errorf("a stale hit: %v, before %v", now, was)
	}
}

func mutants(t *testing.T, archive string) (all []mutant) {
	t.Helper()
	a := txtar.Parse([]byte(archive))
	for i, f := range a.Files {
		if !strings.HasSuffix(f.Name, ".go") {
			continue
		}
		for _, c := range changesOf(t, f.Data) {
			b := *a
			b.Files = slices.Clone(a.Files)
			b.Files[i].Data = slices.Concat(f.Data[:c.from], []byte(c.text), f.Data[c.to:])
			name := f.Name + ": " + string(f.Data[c.from:c.to]) + " => " + c.text
			all = append(all, mutant{name, string(txtar.Format(&b))})
		}
	}
	return all
}

// change replaces a part of a file.
type change struct {
	from, to int
	text     string
}

func changesOf(t *testing.T, src []byte) (list []change) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	replace := func(n ast.Node, text string) { list = append(list, change{at(n.Pos()), at(n.End()), text}) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Call" {
				return false // arguments are no code
			}
		case *ast.BasicLit:
			switch {
			case n.Value == `"f"`: // its name
			case n.Kind == token.STRING:
				replace(n, n.Value[:len(n.Value)-1]+"~"+n.Value[len(n.Value)-1:])
			case n.Kind == token.INT:
				replace(n, "("+n.Value+"+1)")
			}
		case *ast.BinaryExpr:
			if with, ok := otherOperator[n.Op]; ok {
				list = append(list, change{at(n.OpPos), at(n.OpPos) + len(n.Op.String()), with})
			}
		case *ast.ExprStmt, *ast.AssignStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.IfStmt, *ast.RangeStmt, *ast.SendStmt:
			replace(n, "{}")
		}
		return true
	})
	return list
}

var otherOperator = map[token.Token]string{
	token.ADD: "-", token.SUB: "+", token.MUL: "+", token.EQL: "!=", token.NEQ: "==", token.LSS: ">=", token.GTR: "<=",
	token.LAND: "||", token.LOR: "&&",
}
