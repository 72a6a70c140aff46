package vet

import (
	"go/token"

	"golang.org/x/tools/go/analysis"
)

var execctx = check("execctx", `find processes that a task starts and a cancel doesn't end

	var Convert = muster.Func("convert", func(ctx context.Context, path string) (string, error) {
		out, err := exec.Command("convert", path).Output() // bad
		...
	})

Cancel, Timeout and Ctrl-C reach a task through its context: use exec.CommandContext(ctx, ...). A function that uses the
command's Process is taken to end it itself.`, checkExec)

func checkExec(pass *analysis.Pass, c *code) {
	c.eachAct(Exec, func(t *task, a act) {
		if c.isNear(a) {
			pass.Reportf(a.pos, "%s starts a process that runs on when the task ends (%s): use exec.CommandContext with the task's context",
				short(a.What), t)
			return
		}
		pass.Reportf(a.pos, "%s reaches %s (%s), whose process runs on when the task ends: use exec.CommandContext with the task's context",
			t, short(a.What), a.Where)
	})
}

// eachAct tells of each act of a kind that a task of the package reaches, once.
func (c *code) eachAct(kind Kind, tell func(*task, act)) {
	told := map[token.Pos]bool{}
	for _, t := range c.tasks {
		for _, a := range c.reach(t.root).acts {
			if a.Kind == kind && !told[a.pos] {
				told[a.pos] = true
				tell(t, a)
			}
		}
	}
}

// isNear reports whether an act is where it is reported, not in another package.
func (c *code) isNear(a act) bool { return a.Where == c.where(a.pos) }
