package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/protocol"
)

// limitFlags say how much tasks may have at once.
type limitFlags struct {
	cpus, gpus float64
	memory     string
	named      []string
}

// addLimits adds the flags; whose says whose tasks they are.
func addLimits(cmd *cobra.Command, whose string) *limitFlags {
	f := &limitFlags{}
	cmd.Flags().Float64Var(&f.cpus, "cpus", 0, "that "+whose+" tasks may have at once; 0 for no limit")
	cmd.Flags().Float64Var(&f.gpus, "gpus", 0, "the same of GPUs")
	cmd.Flags().StringVar(&f.memory, "memory", "0", "the same of memory, such as 64GiB")
	cmd.Flags().StringArrayVar(&f.named, "resource", nil, "the same of another resource, NAME=AMOUNT; may be repeated")
	return f
}

// change is what the flags that were given change.
func (f *limitFlags) change(cmd *cobra.Command) (c protocol.ChangeLimits, err error) {
	if cmd.Flags().Changed("cpus") {
		c.CPUs = &f.cpus
	}
	if cmd.Flags().Changed("gpus") {
		c.GPUs = &f.gpus
	}
	if err := cmp.Or(checkLimit("cpus", f.cpus), checkLimit("gpus", f.gpus)); err != nil {
		return c, usageError{err}
	}
	if cmd.Flags().Changed("memory") {
		n, err := parseSize(f.memory)
		if err != nil {
			return c, usageError{fmt.Errorf("--memory: %w", err)}
		}
		c.Memory = &n
	}
	if c.Named, err = parseResources(f.named); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

func checkLimit(flag string, n float64) error {
	if !(n >= 0) || math.IsInf(n, 0) {
		return fmt.Errorf("--%s %v: a limit is above 0, or 0 for none", flag, n)
	}
	return nil
}

// limitsText says what limits there are, for people.
func limitsText(l *protocol.Limits) string {
	a := l.Amounts()
	var list []string
	add := func(name string, n int64) {
		if n > 0 {
			list = append(list, protocol.AmountText(name, n))
		}
	}
	add(protocol.NameCPU, a.CPU)
	add(protocol.NameGPU, a.GPUs)
	add(protocol.NameMemory, a.Memory)
	for _, name := range slices.Sorted(maps.Keys(a.Named)) {
		add(name, a.Named[name])
	}
	if len(list) == 0 {
		return "no limit of what tasks have"
	}
	return "at most " + strings.Join(list, ", ")
}
