package head

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// keepDrivers starts the drivers of submissions, and starts those again that were lost, until the head stops. It works by
// looking, and not by what it has done before, so that a head that was killed goes on where it was.
func (h *Head) keepDrivers(ctx context.Context) {
	ticker := time.NewTicker(min(time.Second, h.cfg.Ages.Renew))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-h.drivers.wake:
		}
		seen := nodesSeen{}
		for _, s := range h.drivers.list() {
			if err := h.drive(s.ID, seen); err != nil && ctx.Err() == nil {
				h.log.Error("look after a driver", "submission", s.ID, "error", err)
			}
		}
		if err := h.dropSurplusDrivers(keptDrivers); err != nil {
			h.log.Error("forget drivers that have ended", "error", err)
		}
	}
}

// dropSurplusDrivers forgets drivers that have ended, as far as they are more than are kept.
func (h *Head) dropSurplusDrivers(most int) error {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	for _, id := range h.drivers.surplus(most) {
		if err := h.drivers.remove(id); err != nil {
			return err
		}
	}
	return nil
}

// nodesSeen is the nodes as owners see them, in one look at all submissions.
type nodesSeen map[string][]protocol.NodeInfo

// drive does what is to be done about a submission now.
func (h *Head) drive(id string, seen nodesSeen) error {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	s, ok := h.drivers.get(id)
	now := h.cfg.Now()
	switch {
	case !ok:
		return nil
	case !s.State.Live():
		if now.Sub(s.Ended) > h.cfg.KeepNamed {
			return h.drivers.remove(id)
		}
		return nil
	case s.State == protocol.DriverWaiting:
		return h.placeDriver(&s, now, seen)
	}
	if why, left := h.lostDriver(&s); left {
		return h.driverEnded(&s, func() { s.left(now) })
	} else if why != "" {
		return h.driverEnded(&s, func() { s.lost(why, now) })
	}
	if s.State == protocol.DriverStarting {
		if s.asked.IsZero() {
			s.asked = time.Now()
			h.drivers.note(&s)
		}
		h.nudge(s.Node, protocol.NodeDrive, s.current())
	}
	return nil
}

func (s *submission) current() protocol.DriverID {
	return protocol.DriverID{ID: s.ID, Attempt: s.Attempt}
}

// placeDriver gives a waiting one to a node, if there is one for it.
func (h *Head) placeDriver(s *submission, now time.Time, seen nodesSeen) error {
	nodes, ok := seen[s.Owner]
	if !ok {
		nodes = h.trusted(h.nodes.list(time.Now(), s.Owner), s.Owner)
		seen[s.Owner] = nodes
	}
	node, why := s.place(now, nodes, h.drivers.byNode())
	if node == "" {
		if why == "" || why == s.Reason || time.Since(h.started) < h.cfg.Ages.Dead { // nodes may not have reported yet
			return nil
		}
		s.Reason = why
		return h.drivers.store(s)
	}
	s.start(node, time.Now())
	if err := h.drivers.store(s); err != nil {
		return err
	}
	h.nudge(node, protocol.NodeDrive, s.current())
	return nil
}

// trusted has nodes of other users refuse an owner's drivers, also those that let in all users: whose node it is gets the
// driver's identity, and could act in the owner's name elsewhere. Admins can do that anyway.
func (h *Head) trusted(nodes []protocol.NodeInfo, owner string) []protocol.NodeInfo {
	for i := range nodes {
		of, ok := h.identities.owner(nodes[i].Node)
		if nodes[i].Refusal == "" && (!ok || of != owner && h.identities.role(of) != join.RoleAdmin) {
			nodes[i].Refusal = "it is user " + of + "'s"
		}
	}
	return nodes
}

// lostDriver says why nothing will be heard any more of a driver, by what is known of its node; or that this was stopped
// as it was told to.
func (h *Head) lostDriver(s *submission) (why string, left bool) {
	n, dead, known := h.nodes.get(s.Node)
	now := time.Now()
	switch {
	case !known && now.Sub(h.started) > h.cfg.Ages.Dead, dead:
		return fmt.Sprintf("its node %s is lost", or(short(n.Name), s.Node)), false
	case !known:
		return "", false
	case n.Stopped, n.Drain != "" && s.State == protocol.DriverStarting:
		return "", true
	case s.State == protocol.DriverRunning && !n.Started.Equal(s.Life):
		return fmt.Sprintf("the agent of its node %s was started again", short(n.Name)), false
	case s.State == protocol.DriverRunning && s.missed >= maxMissed:
		return fmt.Sprintf("its node %s doesn't have it any more", short(n.Name)), false
	case s.asked.IsZero():
		return "", false // this head hasn't asked yet
	case s.unanswered(now, h.cfg.Ages.Dead):
		return fmt.Sprintf("node %s didn't take it within %v: is its agent older?", short(n.Name), h.cfg.Ages.Dead), false
	}
	return "", false
}

// driverEnded changes a submission whose attempt has ended, and refuses the attempt's identity. The change lock is held.
func (h *Head) driverEnded(s *submission, change func()) error {
	public, node, last := s.PublicKey, s.Node, s.current()
	change()
	if err := h.drivers.store(s); err != nil {
		return err
	}
	h.nudge(node, protocol.NodeEndDrive, last) // it may live, where a network was cut
	kind, text := "driver.ended", "the driver of %s has ended: "+or(s.Reason, "it is done")
	if s.State.Live() {
		kind, text = "driver.lost", "the driver of %s is to be started again: "+s.Reason
		h.drivers.look()
	}
	h.event(kind, s.ID, node, fmt.Sprintf(text, s.label()))
	if public == "" {
		return nil
	}
	return h.refuseKey(public)
}

func (s *submission) label() string { return fmt.Sprintf("%q (%s) of %s", s.Name, s.ID, s.Owner) }

// nudge asks a node for something without waiting for an answer: what isn't heeded is asked again.
func (h *Head) nudge(node, operation string, of protocol.DriverID) {
	body, err := json.Marshal(of)
	if err == nil {
		reply := protocol.AnswerSubject(h.conn.NewInbox(), protocol.AnswerNode, node, "1")
		err = h.conn.PublishRequest(protocol.NodeSubject(node, operation), reply, body)
	}
	if err != nil {
		h.log.Warn("ask a node about a driver", "node", node, "operation", operation, "error", err)
	}
}

// endStrangers has a node end the drivers that it isn't to run any more.
func (h *Head) endStrangers(node string, has []protocol.DriverID) {
	for _, d := range has {
		if s, ok := h.drivers.get(d.ID); !ok || s.Node != node || s.Attempt != d.Attempt || !s.State.Live() {
			h.nudge(node, protocol.NodeEndDrive, d)
		}
	}
}
