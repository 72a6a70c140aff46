package head

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/protocol"
)

const (
	maxUsers  = 10_000
	maxWeight = 1000
)

// users is what users may have of the cluster, as far as anything was said of them.
type users struct {
	path   string
	change sync.Mutex // held by who changes one, over its I/O: each renewal of a job looks at its user's

	mu  sync.Mutex
	all map[string]protocol.UserShare
}

func openUsers(path string) (*users, error) {
	t := &users{path: path, all: map[string]protocol.UserShare{}}
	var list []protocol.UserShare
	if err := readJSON(path, &list); err != nil {
		return nil, err
	}
	for _, u := range list {
		t.all[u.Name] = u
	}
	return t, nil
}

// save must be called with the change lock held. The table that was there isn't changed.
func (t *users) save(all map[string]protocol.UserShare) error {
	if err := writeJSON(t.path, sortedUsers(all)); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = all
	return nil
}

func sortedUsers(all map[string]protocol.UserShare) []protocol.UserShare {
	list := slices.Collect(maps.Values(all))
	slices.SortFunc(list, func(a, b protocol.UserShare) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (t *users) put(u protocol.UserShare) error {
	t.change.Lock()
	defer t.change.Unlock()
	if _, ok := t.all[u.Name]; !ok && len(t.all) >= maxUsers {
		return refuse(protocol.CodeFull, "the head keeps shares of %d users already: remove some with muster user rm", maxUsers)
	}
	all := maps.Clone(t.all)
	all[u.Name] = u
	return t.save(all)
}

// drop forgets what was said of a user, and reports whether there was anything.
func (t *users) drop(name string) (bool, error) {
	t.change.Lock()
	defer t.change.Unlock()
	if _, ok := t.all[name]; !ok {
		return false, nil
	}
	all := maps.Clone(t.all)
	delete(all, name)
	return true, t.save(all)
}

// get is a user's share; that of one of whom nothing was said has the name alone.
func (t *users) get(name string) protocol.UserShare {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.all[name]
	u.Name = name
	return u
}

func (t *users) list() []protocol.UserShare {
	t.mu.Lock()
	defer t.mu.Unlock()
	return sortedUsers(t.all)
}

// checkShare refuses weights and limits that make no sense.
func checkShare(weight float64, l *protocol.Limits, jobs int) error {
	if !(weight >= 0 && weight <= maxWeight) {
		return refuse(protocol.CodeMalformed, "a weight of %v: it must be above 0 and at most %d", weight, maxWeight)
	}
	isLimit := func(n float64) bool { return n >= 0 && n <= mostCPUs }
	if !isLimit(l.CPUs) || !isLimit(l.GPUs) || l.Memory < 0 || l.Memory > mostClaimed || jobs < 0 {
		return refuse(protocol.CodeMalformed,
			"a limit of %v CPUs, %v GPUs, %d bytes and %d jobs: limits are above 0 and what a cluster can have, or 0 for none",
			l.CPUs, l.GPUs, l.Memory, jobs)
	}
	if len(l.Named) > maxNodeFields {
		return refuse(protocol.CodeMalformed, "limits of %d resources: at most %d have one", len(l.Named), maxNodeFields)
	}
	for name, n := range l.Named {
		switch {
		case len(name) > maxName:
			return refuse(protocol.CodeMalformed, "a limit of a resource %q: its name is longer than %d bytes", short(name), maxName)
		case name == "" || name == protocol.NameCPU || name == protocol.NameMemory || name == protocol.NameGPU:
			return refuse(protocol.CodeMalformed, "a limit of a resource %q: CPUs, memory and GPUs have limits of their own", name)
		case n < 0 || n > mostClaimed:
			return refuse(protocol.CodeMalformed, "a limit of %d of %q: limits are above 0, or 0 for none", n, short(name))
		}
	}
	return nil
}

// putUser says what a user may have, whether one of that name has joined yet or not.
func (h *Head) putUser(_ context.Context, c caller, in *protocol.UserShare) (any, error) {
	if err := checkUser(in.Name); err != nil {
		return nil, err
	}
	if err := checkShare(in.Weight, &in.Limits, in.Jobs); err != nil {
		return nil, err
	}
	if err := h.users.put(*in); err != nil {
		return nil, err
	}
	h.event("user.put", "", "", "the share of user "+in.Name+" is set by "+c.name)
	return nil, nil //nolint:nilnil // an empty answer
}

// dropUser removes a user, as far as there is one: keys, jobs and share.
func (h *Head) dropUser(ctx context.Context, c caller, in *protocol.IdentityName) (any, error) {
	if in.Name == c.name {
		return nil, refuse(protocol.CodeForbidden, "%s can't remove itself", c.name)
	}
	if role := h.identities.role(in.Name); role == join.RoleAgent {
		return nil, refuse(protocol.CodeUnknown, "%s is a node: muster identity revoke ends its connections", in.Name)
	} else if role != "" {
		if _, err := h.dropIdentity(ctx, c, in); err != nil {
			return nil, err
		}
		_, err := h.users.drop(in.Name)
		return nil, err
	}
	found, err := h.users.drop(in.Name)
	if err == nil && !found {
		err = refuse(protocol.CodeUnknown, "there is no user %q; muster user ls lists them", short(in.Name))
	}
	return nil, err
}

// listUsers is the users of whom something is known: that they have joined, have jobs, or a share.
func (h *Head) listUsers(_ context.Context, c caller, _ *nothing) (any, error) {
	all := map[string]*protocol.UserInfo{}
	user := func(name string) *protocol.UserInfo {
		u := all[name]
		if u == nil {
			u = &protocol.UserInfo{UserShare: h.users.get(name)}
			all[name] = u
		}
		return u
	}
	for _, u := range h.users.list() {
		user(u.Name)
	}
	for _, k := range h.identities.list() {
		if k.Role == join.RoleUser || k.Role == join.RoleAdmin {
			user(k.Name).Role = k.Role
		}
	}
	total, used := h.nodes.load(time.Now())
	for _, j := range h.jobs.list(func(i protocol.JobInfo) bool { return i.State == protocol.JobRunning }) {
		u := user(j.Owner)
		u.Live++
		n := used[j.Job]
		u.Used.Add(&n)
	}
	list := []protocol.UserInfo{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		u := all[name]
		named := slices.Sorted(maps.Keys(total.Named))
		u.Share = fair.Dominant(u.Used.Vector(named), total.Vector(named))
		if c.role == join.RoleAdmin || name == c.name {
			list = append(list, *u)
		}
	}
	return list, nil
}

// shareJob changes a job's share among its user's jobs. It is the owner's to say: other users' shares stay.
func (h *Head) shareJob(_ context.Context, c caller, in *protocol.ShareJob) (any, error) {
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	j, err := h.named(c, in.Job)
	if err != nil {
		return nil, err
	}
	info := j.info
	info.Share.Limits = in.Apply(info.Share.Limits)
	if in.Weight != nil {
		info.Share.Weight = *in.Weight
	}
	if err := checkShare(info.Share.Weight, &info.Share.Limits, 0); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(info.Share, j.info.Share) {
		err = h.jobs.store(info, func(*job) {})
	}
	return info.Share, err
}
