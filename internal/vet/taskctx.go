package vet

import (
	"golang.org/x/tools/go/analysis"
)

var taskctx = check("taskctx", `find tasks that wait, or start tasks, with a context that isn't their own

	var Sum = muster.Func("sum", func(ctx context.Context, p Pair) (int, error) {
		a, err := p.A.Get(context.Background()) // bad
		...
	})

With its own context a waiting task lends its CPU slot to others and ends when it is cancelled, and a task that it starts
ends with it. With another one nothing is lent, so recursion deadlocks, and under Main a call fails with ErrNoSession.`, checkContexts)

func checkContexts(pass *analysis.Pass, c *code) {
	c.eachAct(Context, func(t *task, a act) {
		const remedy = "pass the task's own context, which lends its slot while it waits and ends with it"
		if c.isNear(a) {
			pass.Reportf(a.pos, "a task (%s) uses %s: %s", t, a.What, remedy)
			return
		}
		pass.Reportf(a.pos, "%s reaches a call that uses %s (%s): %s", t, a.What, a.Where, remedy)
	})
}
