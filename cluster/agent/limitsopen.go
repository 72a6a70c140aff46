package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cgroups is what a process finds of cgroups.
type cgroups struct {
	root  string // where they are mounted
	own   string // the process's, from there; "" if it isn't known
	pid   int
	admin bool // it is root
}

// Remedies, for who wants limits.
const (
	remedyRights = "run the agent as root, or under systemd with Delegate=yes"
	remedyV2     = "start the machine with version 2 alone (systemd.unified_cgroup_hierarchy=1)"
)

// openLimits makes the cgroup for all workers. An error says why there are no limits, and what to do.
//
// The agent may make cgroups below its own if that was given to it alone, as systemd does with Delegate=yes: it then goes
// into one of its own there, since a cgroup that has others below has no processes. As root it may also make one at the
// top, as container engines do.
func openLimits(c cgroups, node string, memory int64) (*limits, error) {
	if _, err := os.Stat(filepath.Join(c.root, "cgroup.controllers")); err != nil {
		return nil, errors.New("this system has no cgroups of version 2 at " + c.root + ": " + remedyV2)
	}
	if !hasWord(filepath.Join(c.root, "cgroup.controllers"), "memory") {
		return nil, errors.New("the memory of this system isn't limited by cgroups of version 2: " + remedyV2)
	}
	base, err := c.delegated(node)
	if err != nil && c.admin {
		base, err = c.atTop(node)
	}
	l := &limits{node: node, base: base, memory: memory}
	if err == nil {
		err = errors.Join(write(base, "memory.max", amountOrMax(memory)), control(base))
	}
	if err != nil {
		if base != "" {
			l.close()
		}
		return nil, fmt.Errorf("the agent may not make cgroups (%w): %s", err, remedyRights)
	}
	return l, nil
}

func hasWord(file, word string) bool {
	text, _ := os.ReadFile(file)
	for _, w := range strings.Fields(string(text)) {
		if w == word {
			return true
		}
	}
	return false
}

// control lets the cgroups below one have limits. Of memory they must.
func control(dir string) error {
	for _, name := range []string{"+pids", "+cpu"} {
		_ = write(dir, "cgroup.subtree_control", name)
	}
	return write(dir, "cgroup.subtree_control", "+memory")
}

// delegated makes the cgroup below the process's own, if nobody else is in that.
func (c *cgroups) delegated(node string) (base string, err error) {
	own := filepath.Join(c.root, c.own)
	procs, err := os.ReadFile(filepath.Join(own, "cgroup.procs"))
	switch {
	case c.own == "":
		return "", errors.New("its own one isn't known")
	case err != nil:
		return "", err
	case strings.TrimSpace(string(procs)) != strconv.Itoa(c.pid):
		return "", errors.New("others are in its own one")
	}
	leaf := filepath.Join(own, "muster-agent-"+node)
	if err := makeGroup(leaf); err != nil {
		return "", err
	}
	if err := write(leaf, "cgroup.procs", strconv.Itoa(c.pid)); err != nil {
		return "", errors.Join(err, os.Remove(leaf))
	}
	err = control(own)
	if err == nil {
		base = filepath.Join(own, "muster-"+node)
		err = makeGroup(base)
	}
	if err != nil {
		return "", errors.Join(err, write(own, "cgroup.procs", strconv.Itoa(c.pid)), os.Remove(leaf))
	}
	return base, nil
}

// atTop makes the cgroup below the root.
func (c *cgroups) atTop(node string) (base string, err error) {
	if err := control(c.root); err != nil {
		return "", err
	}
	base = filepath.Join(c.root, "muster-"+node)
	return base, makeGroup(base)
}

// makeGroup makes a cgroup, without what a predecessor has left in it.
func makeGroup(dir string) error {
	if err := removeGroup(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Mkdir(dir, 0o755) //nolint:gosec // the kernel's files have modes of their own
}
