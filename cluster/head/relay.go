package head

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// What users ask of nodes and drivers goes through the head: they can't ask these themselves.

// askNode asks a node's agent for something.
func (h *Head) askNode(ctx context.Context, node, operation string, body []byte) ([]byte, error) {
	return h.ask(ctx, protocol.NodeSubject(node, operation), protocol.AnswerNode, node, body)
}

// ask asks somebody, and waits at most Ages.Ask for the answer.
func (h *Head) ask(ctx context.Context, subject string, kind protocol.AnswerKind, who string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Ages.Ask)
	defer cancel()
	reply := protocol.AnswerSubject(h.conn.NewInbox(), kind, who, "1")
	sub, err := h.conn.SubscribeSync(reply)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := h.conn.PublishRequest(subject, reply, body); err != nil {
		return nil, err
	}
	msg, err := sub.NextMsgWithContext(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(msg.Data) == 0: // the server's
		return nil, nats.ErrNoResponders
	}
	return msg.Data, nil
}

// relayed takes the body out of an answer.
func relayed[T any](from string, data []byte) (body T, err error) {
	var answer struct {
		Error *protocol.Refusal `json:"error"`
		Body  T                 `json:"body"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return body, fmt.Errorf("%s: its answer makes no sense: %w", from, err)
	}
	if answer.Error != nil {
		return body, answer.Error
	}
	return answer.Body, nil
}

// listTasks asks a job's driver about its tasks, and the node that has the one that is asked about how far it is.
func (h *Head) listTasks(ctx context.Context, c caller, in *protocol.AskTasks) (any, error) {
	if why := h.whyNoDriver(c, in.Job); why != "" {
		return protocol.TaskList{Counts: []protocol.TaskCount{}, Why: []string{why}}, nil
	}
	if why := h.whyNoPlace(c, in.Job); why != "" {
		return protocol.TaskList{Counts: []protocol.TaskCount{}, Why: []string{why}}, nil
	}
	j, err := h.named(c, in.Job)
	if err != nil {
		return nil, err
	}
	if !j.live() {
		return nil, refuse(protocol.CodeUnknown, "job %s isn't running, it is %s: nobody knows its tasks any more", label(j.info), j.info.State)
	}
	in.Job = j.info.Job
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	data, err := h.ask(ctx, protocol.AskSubject(j.info.Job), protocol.AnswerAsk, j.info.Job, body)
	if err != nil {
		return nil, refuse(protocol.CodeUnknown,
			"the driver of job %s, process %d on %s, doesn't answer: is it stopped, cut off, or only just starting? Ask again in a moment",
			label(j.info), j.info.PID, short(j.info.Host))
	}
	list, err := relayed[protocol.TaskList]("the job's driver", data)
	if err != nil {
		return nil, err
	}
	if h.disk.full() && h.cfg.NATS == nil {
		list.Why = append(list.Why, "the head's disk is nearly full: no outcome is recorded, and nodes take nothing new, until there is room")
	}
	if why := h.whyShare(j.info.Job, &list); why != "" && len(list.Why) > 0 {
		list.Why = append(list.Why, why)
	}
	if in.Task > 0 && len(list.Tasks) == 1 && list.Tasks[0].Node != "" {
		list.Why = append(list.Why, h.whyOnNode(ctx, j.info.Job, &list.Tasks[0]))
	}
	return list, nil
}

// whyOnNode asks the node that was given a task how far it is.
func (h *Head) whyOnNode(ctx context.Context, job string, t *protocol.TaskInfo) string {
	if h.identities.role(t.Node) != join.RoleAgent { // what a driver says is a claim
		return "there is no node " + short(t.Node) + " any more"
	}
	body, err := json.Marshal(protocol.AskTask{Job: job, ID: t.ID, Attempt: uint32(t.Attempt)}) //nolint:gosec // it is one
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Ages.Ask/2) // the driver had its time too, and who asks waits for both
	defer cancel()
	data, err := h.askNode(ctx, t.Node, "task", body)
	if err != nil {
		return "node " + t.Node + " doesn't answer how far it is: muster nodes says whether it lives"
	}
	on, err := relayed[protocol.TaskOnNode]("node "+t.Node, data)
	if err != nil {
		return "node " + t.Node + " doesn't say how far it is: " + err.Error()
	}
	return on.Text
}
