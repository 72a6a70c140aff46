package head

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// caller is who asks, as the servers have checked it.
type caller struct {
	name, role string
	as         string // the submission whose driver it is, which acts for its owner; "" for others
}

// operation is one of the control service. Its answer is the body of the reply, and bytes that follow it.
type operation struct {
	roles []string // who may ask
	do    func(ctx context.Context, h *Head, c caller, body []byte) (answer any, data []byte, err error)
}

// typed is an operation whose request and answer are JSON.
func typed[In any](do func(*Head, context.Context, caller, *In) (any, error), roles ...string) operation {
	return operation{roles: roles, do: func(ctx context.Context, h *Head, c caller, body []byte) (any, []byte, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, nil, err
		}
		answer, err := do(h, ctx, c, in)
		return answer, nil, err
	}}
}

func decode(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, in); err != nil {
		return refuse(protocol.CodeMalformed, "the request makes no sense: %v", err)
	}
	return nil
}

const (
	admin = join.RoleAdmin
	user  = join.RoleUser
	agent = join.RoleAgent
	one   = join.RoleJob
)

// operations are all there are.
var operations = map[string]operation{
	protocol.OpOpenJob:    typed((*Head).openJob, user, admin),
	protocol.OpRenewJob:   typed((*Head).renewJob, one, user, admin),
	protocol.OpCloseJob:   typed((*Head).closeJob, one, user, admin),
	protocol.OpListJobs:   typed((*Head).listJobs, user, admin, agent),
	protocol.OpCancelJob:  typed((*Head).cancelJob, user, admin),
	protocol.OpRemoveJob:  typed((*Head).forgetJob, user, admin),
	protocol.OpListTasks:  typed((*Head).listTasks, user, admin),
	protocol.OpReadLog:    typed((*Head).readLog, user, admin),
	protocol.OpListNodes:  typed((*Head).listNodes, user, admin, agent, one),
	protocol.OpDrainNode:  typed((*Head).drainNode, user, admin),
	protocol.OpUndrain:    typed((*Head).undrainNode, user, admin),
	protocol.OpJoinNode:   typed((*Head).joinNode, admin),
	protocol.OpReportNode: typed((*Head).reportNode, agent),
	protocol.OpHasBlob:    typed((*Head).hasBlob, user, admin, agent, one),
	protocol.OpPutBlob:    {roles: []string{user, admin, agent, one}, do: putBlob},
	protocol.OpGetBlob:    {roles: []string{user, admin, agent, one}, do: getBlob},
	protocol.OpSubmit:     typed((*Head).submit, user, admin),
	protocol.OpTakeDriver: typed((*Head).takeDriver, agent),
	protocol.OpEndDriver:  typed((*Head).endDriver, agent),
	protocol.OpNewToken:   typed((*Head).newToken, admin),
	protocol.OpListTokens: typed((*Head).listTokens, admin),
	protocol.OpDropToken:  typed((*Head).dropToken, admin),
	protocol.OpEvents:     typed((*Head).listEvents, user, admin),
	protocol.OpHistory:    typed((*Head).askHistory, user, admin),
	protocol.OpReportUse:  typed((*Head).reportUse, agent),

	protocol.OpPutUser:    typed((*Head).putUser, admin),
	protocol.OpListUsers:  typed((*Head).listUsers, user, admin),
	protocol.OpDropUser:   typed((*Head).dropUser, admin),
	protocol.OpShareJob:   typed((*Head).shareJob, user, admin),
	protocol.OpReportLoad: typed((*Head).reportLoad, agent),

	protocol.OpRenewIdentity:  typed((*Head).renewIdentity, user, admin, agent, one),
	protocol.OpListIdentities: typed((*Head).listIdentities, admin),
	protocol.OpDropIdentity:   typed((*Head).dropIdentity, admin),
}

// answer carries out a request. It answers only where the one who asked may hear, so that nobody can have the head
// publish for him elsewhere.
func (h *Head) answer(msg *nats.Msg) {
	who, op, ok := strings.Cut(strings.TrimPrefix(msg.Subject, "m.c."), ".")
	if !ok || !join.AskedBy(msg, who) {
		h.log.Warn("refused a request that asks for its answer elsewhere", "who", who, "operation", op, "reply", msg.Reply)
		return
	}
	c := h.callerOf(who)
	began := time.Now()
	body, data, err := h.carryOut(c, op, msg.Data)
	h.counters.request(op, time.Since(began), err)
	reply := protocol.Reply{Body: body}
	if err != nil {
		reply = protocol.Reply{Error: h.refused(c, op, err)}
		data = nil
	}
	answer, err := json.Marshal(reply)
	if err == nil && len(answer)+1+len(data) > maxPayload {
		answer, err = json.Marshal(protocol.Reply{Error: refuse(protocol.CodeFull,
			"the answer is larger than a message of %d MiB", maxPayload>>20)})
		data = nil
	}
	if err != nil {
		h.log.Error("answer a request", "operation", op, "error", err)
		return
	}
	if data != nil {
		answer = append(append(answer, '\n'), data...)
	}
	if err := msg.Respond(answer); err != nil {
		h.log.Warn("answer a request", "operation", op, "who", who, "error", err)
	}
}

func (h *Head) carryOut(c caller, op string, body []byte) (any, []byte, error) {
	o, ok := operations[op]
	if !ok {
		return nil, nil, refuse(protocol.CodeUnknown,
			"the head has no operation %q: is it older than what asks?", short(op))
	}
	if !o.allows(c.role) {
		return nil, nil, refuse(protocol.CodeForbidden,
			"%s may not ask for %s: its role is %s", short(c.name), op, or(c.role, "none"))
	}
	return o.do(h.ctx, h, c, body)
}

func (o operation) allows(role string) bool {
	for _, r := range o.roles {
		if r == role {
			return true
		}
	}
	return false
}

// callerOf is who asks on the subjects of who. The driver of a submission is its owner, as a user whatever that one is else.
func (h *Head) callerOf(who string) caller {
	if s, ok := h.drivers.get(who); ok && s.State == protocol.DriverRunning {
		return caller{name: s.Owner, role: join.RoleUser, as: who}
	}
	return caller{name: who, role: h.roleOf(who)}
}

// roleOf is somebody's role. A job's is that of its driver's key, also for a while after its end.
func (h *Head) roleOf(who string) string {
	if role := h.identities.role(who); role != "" {
		return role
	}
	if _, ok := h.jobs.get(who); ok {
		return join.RoleJob
	}
	if _, ok := h.jobs.over(who); ok {
		return join.RoleJob
	}
	return ""
}

// refused makes a refusal and logs it, if it is about who may do what or the head's own trouble.
func (h *Head) refused(c caller, op string, err error) *protocol.Refusal {
	r := asRefusal(err)
	switch r.Code {
	case protocol.CodeForbidden, protocol.CodeMalformed:
		h.log.Warn("refused a request", "who", c.name, "role", c.role, "operation", op, "why", r.Text)
	case protocol.CodeInternal, protocol.CodeFull:
		h.log.Error("could not carry out a request", "who", c.name, "operation", op, "why", r.Text)
	default:
		h.log.Debug("refused a request", "who", c.name, "operation", op, "why", r.Text)
	}
	return r
}

// split takes the JSON of a request from the bytes that follow it.
func split(body []byte) (head, data []byte) {
	head, data, _ = bytes.Cut(body, []byte{'\n'})
	return head, data
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return short(line)
}
