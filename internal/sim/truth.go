package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// truth sees all that happens, and says in the end whether it was right.
type truth struct {
	execs   []exec // from 1
	excused map[string]int
	allowed map[jobTask]int // executions of a task beyond the first
}

type jobTask struct {
	job  int16
	task int32
}

// exec is one execution of a task's function. Its number stands for its value, so that two of a task differ.
type exec struct {
	job    int16
	task   int32
	inputs uint64
	began  time.Duration
	ended  bool
}

func newTruth() *truth {
	return &truth{execs: make([]exec, 1), excused: map[string]int{}, allowed: map[jobTask]int{}}
}

func (t *truth) begin(j *job, task int32) uint32 {
	t.execs = append(t.execs, exec{job: int16(j.n), task: task, began: j.s.now})
	return uint32(len(t.execs) - 1)
}

// end notes what an execution has got from others.
func (t *truth) end(r *run) {
	if e := &t.execs[r.exec]; r.exec > 0 {
		e.inputs, e.ended = r.inputs, true
	}
}

// excuse notes that a run that may have begun is lost: its task may run once more.
func (t *truth) excuse(r *run, why string) {
	if r.began {
		t.excuseTask(r.w.job, r.task, why)
	}
}

func (t *truth) excuseTask(j *job, task int32, why string) {
	t.excused[why]++
	t.allowed[jobTask{int16(j.n), task}]++
}

// check says what is wrong with a job that has ended.
func (t *truth) check(j *job) error {
	d := j.driver
	first := j.firstSuccesses()
	var wrong []string
	complain := func(task int, format string, args ...any) {
		if len(wrong) < 5 {
			wrong = append(wrong, fmt.Sprintf("task %d: ", task)+fmt.Sprintf(format, args...))
		}
	}
	for i, want := range j.program.ends() {
		if i >= j.program.roots {
			break
		}
		c := d.calls[i]
		switch {
		case c == nil || !c.over:
			complain(i, "it has no outcome")
		case c.maybe && j.program.tasks[i].nature == once:
		case c.status != want:
			complain(i, "it ended with status %d, not %d", c.status, want)
		case want != succeeded:
		case c.exec != first[int32(i)]:
			complain(i, "the driver has the value of execution %d, and the journal's first is %d's", c.exec, first[int32(i)])
		default:
			if why := t.checkInputs(j, c); why != "" {
				complain(i, "%s", why)
			}
		}
	}
	t.checkItems(j, first, complain)
	if wrong != nil {
		return fmt.Errorf("job %d: %s", j.n, strings.Join(wrong, "; "))
	}
	return nil
}

// firstSuccesses are, by task, the executions whose success is the first in the journal: they count.
func (j *job) firstSuccesses() map[int32]uint32 {
	first := map[int32]uint32{}
	for i := range j.stream.records {
		for _, o := range j.stream.records[i].outcomes {
			if _, had := first[o.task]; !had && o.status == succeeded {
				first[o.task] = o.exec
			}
		}
	}
	return first
}

// checkInputs says whether the execution whose value counts had the values that count.
func (t *truth) checkInputs(j *job, c *call) string {
	e := &t.execs[c.exec]
	if int(e.job) != j.n || e.task != c.task || !e.ended {
		return fmt.Sprintf("its value is that of task %d of job %d", e.task, e.job)
	}
	var want uint64
	x := &j.program.tasks[c.task]
	for _, dep := range x.dep {
		if dep >= 0 {
			want = mix(want, j.driver.calls[dep].exec)
		}
	}
	if x.many == 0 && e.inputs != want {
		return "it got another value than the one that counts"
	}
	return ""
}

// checkExecutions says whether a task was run more often than its executions were lost, or ran twice though it must not.
func (t *truth) checkExecutions(jobs []*job) error {
	times := map[jobTask]int{}
	for _, e := range t.execs[1:] {
		k := jobTask{e.job, e.task}
		if times[k]++; times[k] == 1 {
			continue
		}
		allowed := 1 + t.allowed[k]
		if jobs[k.job].program.tasks[k.task].nature == once {
			allowed = 1
		}
		if times[k] > allowed {
			return fmt.Errorf("task %d of job %d ran %d times, and may at most %d", k.task, k.job, times[k], allowed)
		}
	}
	return nil
}

func (t *truth) excuses() string {
	var list []string
	for _, why := range slices.Sorted(maps.Keys(t.excused)) {
		list = append(list, fmt.Sprintf("%d %s", t.excused[why], why))
	}
	return strings.Join(list, ", ")
}

// mix combines a hash and a number.
func mix(h uint64, n uint32) uint64 {
	h = (h ^ uint64(n)) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}
