package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/protocol"
)

// agesFlags are a cluster's periods, which tests shorten.
type agesFlags struct{ renew, dead, ask time.Duration }

func (f *agesFlags) add(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.renew, "renew", 0, "how often nodes and drivers report")
	cmd.Flags().DurationVar(&f.dead, "dead", 0, "after which silence they count as dead")
	cmd.Flags().DurationVar(&f.ask, "ask", 0, "how long a node that seems dead may take to answer")
	for _, name := range []string{"renew", "dead", "ask"} {
		_ = cmd.Flags().MarkHidden(name) // fails for a flag that isn't there
	}
}

func (f *agesFlags) ages() protocol.Ages {
	return protocol.Ages{Renew: f.renew, Dead: f.dead, Ask: f.ask}
}

func (f *agesFlags) args() []string {
	return []string{"--renew=" + f.renew.String(), "--dead=" + f.dead.String(), "--ask=" + f.ask.String()}
}

// agentFlags say what a machine gives.
type agentFlags struct {
	agesFlags

	cpus, gpus float64
	memory     string
	resources  []string
	labels     []string
	allowUsers bool
	workerUser string
	drain      time.Duration
}

func (f *agentFlags) add(cmd *cobra.Command) {
	f.addShared(cmd)
	f.agesFlags.add(cmd)
}

func (f *agentFlags) addShared(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&f.cpus, "cpus", 0, "CPUs that this machine gives (default: all)")
	cmd.Flags().StringVar(&f.memory, "memory", "", "memory that it gives, such as 8GiB (default: what the machine or its cgroup has)")
	cmd.Flags().Float64Var(&f.gpus, "gpus", 0, "GPUs that it gives, -1 for none (default: those that nvidia-smi lists)")
	cmd.Flags().StringArrayVar(&f.resources, "resource", nil, "another resource, NAME=AMOUNT; may be repeated")
	cmd.Flags().BoolVar(&f.allowUsers, "allow-users", false,
		"run the jobs of all users as yourself: they trust each other, and you them (default: those of the user whose node it is)")
	cmd.Flags().StringVar(&f.workerUser, "worker-user", "",
		"for an agent run as root: the system account for the jobs of users who have none of their own name here")
	cmd.Flags().DurationVar(&f.drain, "drain", drainOnTerm,
		"on SIGTERM, how long what runs may take to end before it is given back and the agent ends")
	cmd.Flags().StringArrayVar(&f.labels, "label", nil, "a label by which tasks choose nodes, KEY=VALUE; may be repeated")
}

// drainOnTerm is how long tasks have after SIGTERM: well within the 30 s that Kubernetes and spot machines of most clouds give.
const drainOnTerm = 20 * time.Second

// args is the flags again, for a process that is to have the same.
func (f *agentFlags) args() []string {
	args := f.agesFlags.args()
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	args = append(args, "--cpus="+number(f.cpus), "--gpus="+number(f.gpus), "--memory="+f.memory,
		"--worker-user="+f.workerUser, "--allow-users="+strconv.FormatBool(f.allowUsers), "--drain="+f.drain.String())
	for _, r := range f.resources {
		args = append(args, "--resource="+r)
	}
	for _, l := range f.labels {
		args = append(args, "--label="+l)
	}
	return args
}

// config is what of an agent's set-up the flags say; an error is one of usage.
func (f *agentFlags) config() (c agent.Config, err error) {
	if f.cpus < 0 || f.cpus > 1<<20 || math.IsNaN(f.cpus) {
		return c, usageError{fmt.Errorf("--cpus %v: it must be above 0", f.cpus)}
	}
	if f.drain < 0 {
		return c, usageError{fmt.Errorf("--drain %v: it must be 0 or more", f.drain)}
	}
	c.CPUs, c.GPUs, c.Ages = f.cpus, f.gpus, f.ages()
	c.AllowUsers, c.WorkerUser = f.allowUsers, f.workerUser
	if f.memory != "" {
		if c.Memory, err = parseSize(f.memory); err != nil {
			return c, usageError{fmt.Errorf("--memory: %w", err)}
		}
	}
	if c.Named, err = parseResources(f.resources); err != nil {
		return c, usageError{err}
	}
	if c.Labels, err = parseLabels(f.labels); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// perUnit is in what amounts are counted, of CPUs and of named resources.
const perUnit = 10_000

func parseResources(list []string) (map[string]int64, error) {
	out := map[string]int64{}
	for _, text := range list {
		if text == "" {
			continue // none, though there were some before
		}
		name, amount, ok := strings.Cut(text, "=")
		n, err := strconv.ParseFloat(amount, 64)
		if !ok || name == "" || err != nil || n < 0 || n > 1<<40 || math.IsNaN(n) {
			return nil, fmt.Errorf("--resource %q: write it as licences=3", text)
		}
		out[name] = int64(math.Round(n * perUnit))
	}
	return out, nil
}

func parseLabels(list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range list {
		if text == "" {
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--label %q: write it as zone=a", text)
		}
		out[key] = value
	}
	return out, nil
}
