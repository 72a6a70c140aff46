package head

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// The small operations of the control service.

type nothing struct{}

// listJobs answers with the jobs that one may see; with a JobID, with that one.
func (h *Head) listJobs(_ context.Context, c caller, in *protocol.JobID) (any, error) {
	if s, ok := h.drivers.get(in.Job); ok {
		if j, ok := h.jobs.find(s.Owner, s.Name); ok {
			in.Job = j.info.Job
		}
	}
	list := h.jobs.list(func(info protocol.JobInfo) bool {
		return (in.Job == "" || info.Job == in.Job || info.Name == in.Job) && (c.role == join.RoleAgent || c.owns(info))
	})
	if c.role == join.RoleAgent {
		return list, nil
	}
	return h.withSubmissions(c, in.Job, h.withQueued(c, in.Job, list)), nil
}

// readLog asks a node for a job's log, for who may see the job: users can't ask nodes themselves.
func (h *Head) readLog(ctx context.Context, c caller, in *protocol.AskLog) (any, error) {
	job := in.Job
	if s, ok := h.drivers.get(in.Job); !ok || !c.ownsDriver(&s) {
		j, err := h.named(c, in.Job)
		if err != nil {
			return nil, err
		}
		job = j.info.Job
	}
	if h.identities.role(in.Node) != join.RoleAgent {
		return nil, refuse(protocol.CodeUnknown, "there is no node %q; muster nodes lists them", short(in.Node))
	}
	body, err := json.Marshal(protocol.AskLog{Job: job, Attempt: in.Attempt, Node: in.Node, Offset: in.Offset, Most: in.Most})
	if err != nil {
		return nil, err
	}
	data, err := h.askNode(ctx, in.Node, "logs", body)
	if err != nil {
		return nil, refuse(protocol.CodeUnknown, "node %s doesn't answer: muster nodes says whether it lives", in.Node)
	}
	return relayed[json.RawMessage]("node "+in.Node, data)
}

func (h *Head) listNodes(ctx context.Context, c caller, in *protocol.AskNodes) (any, error) {
	if in.Fresh != "" {
		if err := h.refresh(ctx, c, in.Fresh); err != nil {
			return nil, err
		}
	}
	user := c.name
	if j, ok := h.jobs.get(c.name); ok {
		user = j.info.Owner
	}
	if in.Major == 0 {
		return h.nodes.list(time.Now(), user), nil
	}
	program := programOf(&protocol.OpenJob{Major: in.Major, Minor: in.Minor})
	return h.nodes.listFor(time.Now(), user, &program), nil
}

// refresh asks a node for its report, as the last one may be as old as Ages.Dead.
func (h *Head) refresh(ctx context.Context, c caller, node string) error {
	_, err := h.tellNode(ctx, c, node, "ping", nil)
	return err
}

// drainNode has a node take no more tasks.
func (h *Head) drainNode(ctx context.Context, c caller, in *protocol.DrainNode) (any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return h.tellNode(ctx, c, in.Node, "drain", body)
}

func (h *Head) undrainNode(ctx context.Context, c caller, in *protocol.DrainNode) (any, error) {
	return h.tellNode(ctx, c, in.Node, "undrain", nil)
}

// tellNode asks a node for what it answers with its report, which counts from then on. Admins may, the user whose node it
// is, and the node itself.
func (h *Head) tellNode(ctx context.Context, c caller, node, op string, body []byte) (info protocol.NodeInfo, err error) {
	owner, ok := h.identities.owner(node)
	switch {
	case !ok:
		return info, refuse(protocol.CodeUnknown, "there is no node %q; muster nodes lists them", short(node))
	case c.role != join.RoleAdmin && c.name != node && c.name != owner:
		return info, refuse(protocol.CodeForbidden, "node %s is %s's: an admin may, and who has it", node, owner)
	}
	data, err := h.askNode(ctx, node, op, body)
	if err != nil {
		return info, refuse(protocol.CodeUnknown, "node %s doesn't answer: muster nodes says whether it lives", node)
	}
	if info, err = relayed[protocol.NodeInfo]("node "+node, data); err != nil {
		return info, err
	}
	info.Node = node
	return info, h.noteNode(info)
}

func (h *Head) reportNode(_ context.Context, c caller, in *protocol.NodeInfo) (any, error) {
	if in.Node != "" && in.Node != c.name {
		return nil, refuse(protocol.CodeForbidden, "node %s can't report for %s", c.name, short(in.Node))
	}
	in.Node = c.name
	err := h.noteNode(*in)
	h.drivers.report(in)
	h.endStrangers(in.Node, in.Drivers)
	return nil, err
}

// reportUse takes what an agent says that functions used.
func (h *Head) reportUse(_ context.Context, c caller, in *protocol.NodeUse) (any, error) {
	h.historian.used(c.name, in)
	return nil, nil //nolint:nilnil // an empty answer
}

// nodeNews is what of a node's reports people hear, as events.
var nodeNews = map[told]struct{ kind, text string }{
	joined:    {"node.joined", "is there"},
	stopped:   {"node.stopped", "was stopped, and has given back its tasks"},
	draining:  {"node.draining", "is drained: it takes no more tasks, and ends those that it has"},
	drained:   {"node.drained", "is drained: nothing runs there"},
	undrained: {"node.undrained", "takes tasks again"},
}

// noteNode takes a node's report.
func (h *Head) noteNode(n protocol.NodeInfo) error {
	news, err := h.nodes.report(n, time.Now())
	if news == foreign {
		h.event("node.foreign", "", n.Node, err.Error())
	}
	if err == nil {
		h.historian.node(&n, nodeState(&n), news != nothingNew)
	}
	if e, ok := nodeNews[news]; ok {
		h.event(e.kind, "", n.Node, "node "+short(n.Name)+" ("+n.Node+") "+e.text)
	}
	if news == joined || news == undrained {
		h.drivers.look()
	}
	return err
}

// reportLoad takes what jobs have of a node.
func (h *Head) reportLoad(_ context.Context, c caller, in *protocol.NodeLoad) (any, error) {
	return nil, h.nodes.loaded(c.name, in)
}

func (h *Head) newToken(_ context.Context, c caller, in *protocol.NewToken) (any, error) {
	if in.Role == join.RoleAgent {
		in.User = or(in.User, c.name)
	}
	_, info, err := h.NewToken(*in)
	return info, err
}

// joinNode makes a node of an admin's own machine: the admin could as well make a token for it.
func (h *Head) joinNode(_ context.Context, c caller, in *join.JoinRequest) (any, error) {
	if err := h.mayJoin(in); err != nil {
		return nil, err
	}
	k := protocol.IdentityInfo{Name: newID("n"), Role: join.RoleAgent, User: c.name, PublicKey: in.PublicKey, Host: short(in.Host)}
	return h.joined(in, k, "as a node of "+c.name)
}

func (h *Head) listTokens(context.Context, caller, *nothing) (any, error) {
	return h.tokens.list(), nil
}

func (h *Head) dropToken(_ context.Context, _ caller, in *protocol.TokenID) (any, error) {
	return nil, h.tokens.drop(in.ID)
}

// listEvents leaves out what is about other users' jobs.
func (h *Head) listEvents(_ context.Context, c caller, _ *nothing) (any, error) {
	return slices.DeleteFunc(h.events.list(), func(e protocol.ClusterEvent) bool {
		if e.Job == "" || c.role == join.RoleAdmin {
			return false
		}
		if s, ok := h.drivers.get(e.Job); ok {
			return !c.ownsDriver(&s)
		}
		j, ok := h.jobs.get(e.Job)
		info := j.info
		if !ok {
			info, _ = h.jobs.over(e.Job)
		}
		return !c.owns(info)
	}), nil
}

func (h *Head) renewIdentity(_ context.Context, c caller, in *protocol.RenewIdentity) (any, error) {
	if who := h.whose(in.PublicKey); who != or(c.as, c.name) {
		return nil, refuse(protocol.CodeForbidden, "%s has no such key: renew your own", c.name)
	}
	token, k, err := h.renew(in.PublicKey)
	return protocol.IdentityRenewed{JWT: token, Expires: k.Expires}, err
}

// whose is the user, node or job that a key is of.
func (h *Head) whose(public string) string {
	if k, ok := h.identities.get(public); ok {
		return k.Name
	}
	if s, ok := h.drivers.byKey(public); ok {
		return s.ID
	}
	j, _ := h.jobs.byKey(public)
	return j.info.Job
}

func (h *Head) listIdentities(context.Context, caller, *nothing) (any, error) {
	return h.identities.list(), nil
}

// dropIdentity revokes all keys of a user or node, and ends the user's jobs.
func (h *Head) dropIdentity(ctx context.Context, c caller, in *protocol.IdentityName) (any, error) {
	if in.Name == c.name {
		return nil, refuse(protocol.CodeForbidden, "%s can't revoke itself", c.name)
	}
	if err := h.cancelDriversOf(in.Name, c.name); err != nil {
		return nil, err
	}
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	note := h.server.after(h.identities.keysOf(in.Name))
	if err := h.identities.drop(in.Name); err != nil {
		return nil, err
	}
	for _, id := range h.jobs.due(func(j *job) bool { return j.info.Owner == in.Name && j.info.State != protocol.JobDone }) {
		j, _ := h.jobs.get(id)
		if err := h.identities.dropKey(j.info.PublicKey); err != nil {
			return nil, err
		}
		why := "its owner was revoked by " + c.name
		if err := h.end(ctx, j, protocol.JobFailed, why, "is over: "+why); err != nil {
			return nil, err
		}
	}
	h.event("identity.revoked", "", "", in.Name+" is revoked by "+c.name)
	return protocol.IdentityDropped{Note: note}, h.enforce()
}
