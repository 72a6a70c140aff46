package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/musterrun/muster/internal/coordinator"
)

// totals is the session's room by dimension, and names the dimensions of its resources.
func (s *Session) totals() []int64 {
	t := []int64{total(s.cfg.CPUs), int64(s.cfg.Concurrency), math.MaxInt64}
	s.dims = map[string]coordinator.Dim{}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Resources)) {
		s.dims[name] = coordinator.Dim(len(t))
		t = append(t, total(s.cfg.Resources[name]))
	}
	return t
}

// units rounds to a ten-thousandth, never a positive amount to nothing, and one beyond counting to more than any total.
func units(x float64) int64 {
	switch n := math.Round(x * coordinator.Unit); {
	case n >= math.MaxInt64:
		return math.MaxInt64
	case n < 1 && x > 0:
		return 1
	default:
		return int64(n)
	}
}

// total is units of what the session has.
func total(x float64) int64 { return min(units(x), math.MaxInt64-1) }

// needOf interns a function's need, anew with each task: functions come and go, so none is remembered. The mutex is held.
func (s *Session) needOf(sp *Spec) (coordinator.NeedID, error) {
	amounts, err := s.amountsOf(&sp.Opts)
	if err != nil {
		return 0, err
	}
	id, err := s.m.Need(amounts)
	if e := (*coordinator.UnfitError)(nil); errors.As(err, &e) {
		return 0, s.unfit(e, &sp.Opts)
	}
	return id, err
}

// amountsOf is what a function asks for, in a slice that the next call uses again.
func (s *Session) amountsOf(o *Options) ([]coordinator.Amount, error) {
	a := s.amounts[:0]
	if o.IO {
		a = append(a, coordinator.Amount{Dim: coordinator.IO, N: 1})
	} else {
		a = append(a, coordinator.Amount{Dim: coordinator.CPU, N: units(o.CPUs)})
	}
	if o.Memory > 0 {
		s.limitMemory()
		a = append(a, coordinator.Amount{Dim: coordinator.Memory, N: o.Memory})
	}
	for _, r := range o.Resources {
		d, ok := s.dims[r.Name]
		if !ok {
			return nil, fmt.Errorf("it needs Resource(%q, %v), and the session has %s: set Config.Resources", r.Name, r.N, s.resources())
		}
		a = append(a, coordinator.Amount{Dim: d, N: units(r.N)})
	}
	s.amounts = a
	return a, nil
}

// resources names those of the session.
func (s *Session) resources() string {
	if len(s.dims) == 0 {
		return "none"
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.dims)) {
		names = append(names, strconv.Quote(name))
	}
	return "only " + strings.Join(names, ", ")
}

// limitMemory sets the total that was left open until a function asked for memory.
func (s *Session) limitMemory() {
	if !s.limited {
		s.limited = true
		s.m.Limit(coordinator.Memory, s.cfg.Memory())
	}
}

// unfit says which option asks for more than there is.
func (s *Session) unfit(e *coordinator.UnfitError, o *Options) error {
	switch e.Dim {
	case coordinator.CPU:
		return fmt.Errorf("it needs CPUs(%v), and the session has %v: lower it, or raise Config.CPUs", o.CPUs, s.cfg.CPUs)
	case coordinator.IO:
		return fmt.Errorf("it needs IO(), and Config.Concurrency is %d", e.Total)
	case coordinator.Memory:
		return fmt.Errorf("it needs Memory(%d), and the session has %d bytes: lower it, or raise Config.Memory", e.Need, e.Total)
	}
	name := s.name(e.Dim)
	for _, r := range o.Resources {
		if r.Name == name {
			return fmt.Errorf("it needs Resource(%q, %v), and the session has %v: lower it, or raise Config.Resources",
				name, r.N, s.cfg.Resources[name])
		}
	}
	return e
}

// name is the name of a resource of the session.
func (s *Session) name(d coordinator.Dim) string {
	for name, dim := range s.dims {
		if dim == d {
			return name
		}
	}
	return ""
}

// amountText is "3 CPUs", "1 GPU", `2 of Resource("seats")`.
func (s *Session) amountText(a coordinator.Amount) string {
	n := s.inUnits(a.Dim, a.N)
	many := "s"
	if n == "1" {
		many = ""
	}
	switch {
	case a.Dim == coordinator.CPU:
		return n + " CPU" + many
	case a.Dim == coordinator.IO:
		return n + " place" + many + " of IO"
	case a.Dim == coordinator.Memory:
		return n + " byte" + many + " of memory"
	case s.name(a.Dim) == GPU:
		return n + " GPU" + many
	default:
		return n + " of " + s.dimName(a.Dim)
	}
}

// dimName names a dimension as the options do.
func (s *Session) dimName(d coordinator.Dim) string {
	switch d {
	case coordinator.CPU:
		return "CPUs"
	case coordinator.IO:
		return "IO"
	case coordinator.Memory:
		return "Memory"
	default:
		return fmt.Sprintf("Resource(%q)", s.name(d))
	}
}
