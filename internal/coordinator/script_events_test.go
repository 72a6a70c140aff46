package coordinator

import (
	"fmt"
	"strconv"
	"strings"
)

// do calls the method of an event and gives its answer.
func (p *player) do(f []string) (answer string) {
	p.t.Helper()
	switch f[0] {
	case "totals":
		p.totals(f[1:])
	case "submit":
		p.submit(f[1], f[2:])
	case "next":
		if id, ok := p.m.Next(); ok {
			return p.nameOf(id)
		}
		return "none"
	case "finish":
		out, why := p.m.Finish(p.id(f[1]), number(p, f[2]), results[f[3]])
		if out == Canceled {
			return fmt.Sprintf("canceled %d", why)
		}
		return outcomeNames[out]
	case "block":
		var on []ID
		if f[2] != "none" {
			on = p.list(f[2])
		}
		p.m.Block(p.id(f[1]), on...)
	case "include":
		p.ids[f[1]] = p.m.Include(p.ids[f[1]], p.id(f[2]))
	case "unblock":
		return strconv.FormatBool(p.m.Unblock(p.id(f[1])))
	case "due":
		p.m.Due(p.id(f[1]), number(p, f[2]))
	case "expire":
		p.m.Expire(p.id(f[1]), number(p, f[2]))
	case "cancel":
		p.m.Cancel(p.id(f[1]), uint8(number(p, f[2])))
	case "join":
		p.m.Join(p.id(f[1]), p.id(f[2]))
	default:
		return p.doMore(f)
	}
	return ""
}

var results = map[string]Result{"ok": Succeeded, "error": Error, "fatal": Fatal}

// doMore is do for scopes and for questions.
func (p *player) doMore(f []string) (answer string) {
	p.t.Helper()
	switch f[0] {
	case "open":
		p.scopes[f[1]] = p.m.OpenScope()
	case "close":
		p.m.CloseScope(p.scope(f[1]))
	case "scopes":
		return strconv.Itoa(int(p.m.scopes.next) - 1)
	case "idle":
		return strconv.FormatBool(p.m.Idle(p.scope(f[1])))
	case "cancelscope":
		p.m.CancelScope(p.scope(f[1]), uint8(number(p, f[2])))
	case "adopt":
		p.m.Adopt(p.list(f[1]), p.scope(f[2]), p.scope(f[3]))
	case "free":
		var free []string
		for d, name := range dimNames {
			free = append(free, fmt.Sprintf("%s:%v", name, p.fromAmount(Dim(d), p.m.Free(Dim(d)))))
		}
		return strings.Join(free, " ")
	case "holders":
		var names []string
		p.m.Holders(p.dim(f[1]), func(id ID) { names = append(names, p.nameOf(id)) })
		return strings.Join(names, " ")
	case "why":
		return p.why(p.m.Why(p.id(f[1])))
	case "attempt":
		return strconv.Itoa(p.m.Attempt(p.id(f[1])))
	case "number":
		return strconv.FormatUint(p.m.Number(p.id(f[1])), 10)
	case "len":
		return strconv.Itoa(p.m.Len())
	default:
		p.t.Fatalf("no event %q", f[0])
	}
	return ""
}

var causeNames = strings.Fields("over runs tasks outside cpu value due turn room hold start")

func (p *player) why(w Wait) string {
	out := causeNames[w.Cause]
	if w.Any {
		out = "any of " + out
	}
	if w.N > 0 {
		out += fmt.Sprintf(" %d", w.N)
	}
	if w.Cause == ForRoom {
		out += " " + dimNames[w.Dim]
	}
	if w.On != 0 {
		out += " " + p.nameOf(w.On)
	}
	return out
}

func (p *player) totals(f []string) {
	totals := make([]int64, len(dimNames))
	for _, s := range f {
		name, n, _ := strings.Cut(s, "=")
		totals[p.dim(name)] = p.toAmount(p.dim(name), n)
	}
	p.m = New(totals)
}

func (p *player) submit(name string, options []string) {
	p.t.Helper()
	var s Spec
	for _, o := range options {
		key, v, _ := strings.Cut(o, "=")
		switch key {
		case "need":
			s.Need = p.need(v)
		case "prio":
			s.Priority = int32(number(p, v))
		case "depth":
			s.Depth = uint32(number(p, v))
		case "scope":
			s.Scope = p.scope(v)
		case "deps":
			s.Deps = p.list(v)
		case "value":
			s.Value = true
		case "front":
			s.Front = true
		case "retries":
			s.Retries = uint16(number(p, v))
		case "attempts":
			s.Attempts = uint16(number(p, v))
		default:
			p.t.Fatalf("no option %q", o)
		}
	}
	p.ids[name] = p.m.Submit(s)
	delete(p.states, name)
}

// need interns what is written as gpu:1+disk:1, or "nothing".
func (p *player) need(text string) NeedID {
	p.t.Helper()
	var amounts []Amount
	for _, s := range strings.Split(text, "+") {
		if name, n, ok := strings.Cut(s, ":"); ok {
			amounts = append(amounts, Amount{p.dim(name), p.toAmount(p.dim(name), n)})
		}
	}
	id, err := p.m.Need(amounts)
	if err != nil {
		p.t.Fatalf("need %s: %v", text, err)
	}
	return id
}

func (p *player) toAmount(d Dim, text string) int64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.t.Fatalf("amount: %v", err)
	}
	if d == IO || d == Memory {
		return int64(n)
	}
	return int64(n * Unit)
}

func (p *player) fromAmount(d Dim, n int64) float64 {
	if d == IO || d == Memory {
		return float64(n)
	}
	return float64(n) / Unit
}

func (p *player) dim(name string) Dim {
	p.t.Helper()
	for d, n := range dimNames {
		if n == name {
			return Dim(d)
		}
	}
	p.t.Fatalf("no dimension %q", name)
	return 0
}

// id finds a task; "none" is no task.
func (p *player) id(name string) ID {
	p.t.Helper()
	if name == "outside" {
		return Outside
	}
	id, ok := p.ids[name]
	if !ok && name != "none" {
		p.t.Fatalf("no task %q", name)
	}
	return id
}

func (p *player) list(names string) (ids []ID) {
	p.t.Helper()
	for _, name := range strings.Split(names, ",") {
		ids = append(ids, p.id(name))
	}
	return ids
}

func (p *player) scope(name string) ScopeID {
	p.t.Helper()
	id, ok := p.scopes[name]
	if !ok {
		p.t.Fatalf("no scope %q", name)
	}
	return id
}

func number(p *player, text string) int {
	p.t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		p.t.Fatalf("number: %v", err)
	}
	return n
}
