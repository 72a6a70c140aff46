package agent

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// driver is an attempt of a submission's driver on this machine. Its fields are the Agent's mutex's, but those that don't
// change. Nothing is charged for it: it waits nearly all the time.
type driver struct {
	protocol.DriverID

	stop chan time.Duration // how long it may take to end; see child.RunProgram
	end  context.CancelFunc // of what comes before it is started
	log  *joblog            // nil until it is started
	pid  int                // 0 before, and once it has ended
	over bool               // and the head knows
	left bool               // it ends since the agent does
}

const (
	driverGrace = 12 * time.Second // for Main, which gives functions ten
	keptLogs    = 16               // of drivers that have ended
	takeAgain   = 5 * time.Second  // at the longest, until the head is asked again
)

// onDrive begins or ends a driver, as the head says.
func (a *Agent) onDrive(m *nats.Msg, op string) {
	var id protocol.DriverID
	switch err := json.Unmarshal(m.Data, &id); {
	case !protocol.InInbox(m.Reply, "head"):
		a.refuse(m, "only the head may ask for it")
		return
	case err != nil || !validID(id.ID):
		a.log.Warn("what the head says of a driver makes no sense; is it of another version?", "error", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch d := a.drivers[id.ID]; {
	case op == protocol.NodeEndDrive && d != nil && d.DriverID == id:
		d.tell(driverGrace)
	case op != protocol.NodeDrive || a.leaving || a.drain.on || d != nil && (d.Attempt >= id.Attempt || !d.over):
		if d != nil && d.Attempt < id.Attempt {
			d.tell(driverGrace) // the head asks for the new one again
		}
	default:
		ctx, end := context.WithCancel(a.ctx)
		d = &driver{DriverID: id, stop: make(chan time.Duration, 4), end: end}
		a.drivers[id.ID] = d
		a.all.Go(func() { a.carry(ctx, d) })
	}
}

// tell has it end, and not be started if it isn't. The mutex is held.
func (d *driver) tell(grace time.Duration) {
	d.end()
	select {
	case d.stop <- grace:
	default: // it was told, and takes its time
	}
}

// carry is a driver's life on this machine.
func (a *Agent) carry(ctx context.Context, d *driver) {
	defer d.end()
	log := a.log.With("driver", d.ID, "attempt", d.Attempt)
	reconnects := a.conn.Stats().Reconnects
	taken, id, err := a.takeDriver(ctx, d)
	if err != nil {
		log.Info("a driver isn't started", "reason", err)
		if !errors.As(err, new(*protocol.Refusal)) { // the head may have given it, and takes it for running then
			why := "it wasn't started: " + err.Error()
			a.tellEnd(&protocol.DriverEnd{DriverID: d.DriverID, Code: -1, Unmet: true, Left: a.hasLeft(d), Reason: why})
		}
		a.mu.Lock()
		delete(a.drivers, d.ID)
		a.mu.Unlock()
		return
	}
	log.Info("a driver is started", "name", taken.Name, "owner", taken.Owner)
	end := protocol.DriverEnd{DriverID: d.DriverID, Code: -1}
	how, err := a.runDriver(ctx, d, taken, id)
	if err != nil {
		end.Unmet, end.Reason = true, "it couldn't be started: "+err.Error()
	} else {
		end.Code, end.Reason, end.Tail = how.Code, "it "+how.How, how.Tail[max(0, len(how.Tail)-protocol.MaxTail):]
	}
	end.Cut = a.conn.Stats().Reconnects != reconnects || !a.conn.IsConnected()
	end.Left = a.hasLeft(d) && end.Code < 0
	log.Info("a driver has ended", "how", end.Reason)
	a.tellEnd(&end)
	a.folder.removeFolder(d.ID)
	a.driverOver(d)
}

// hasLeft reports whether a driver ends since the agent does, or its node is drained.
func (a *Agent) hasLeft(d *driver) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return d.left
}

// takeDriver makes the driver's key, and asks the head for the rest of what it needs.
func (a *Agent) takeDriver(ctx context.Context, d *driver) (*protocol.DriverTaken, join.Identity, error) {
	seed, public, err := join.NewKey()
	if err != nil {
		return nil, join.Identity{}, err
	}
	ask := protocol.TakeDriver{DriverID: d.DriverID, Life: a.started.Round(0), PublicKey: public}
	taken := new(protocol.DriverTaken)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, takeAgain) {
		err := a.cfg.Control.Ask(ctx, protocol.OpTakeDriver, ask, taken)
		var r *protocol.Refusal
		switch {
		case err == nil:
			var as join.JoinAnswer
			err := json.Unmarshal(taken.Identity, &as)
			return taken, join.Identity{
				Cluster: as.Cluster, Name: as.Name, Role: as.Role, URLs: a.conn.Servers(), Servers: as.Servers, Join: as.Join,
				CA: as.CA, JWT: as.JWT, Seed: seed, Comment: "the driver of " + taken.Owner + "'s " + taken.Name,
			}, err
		case errors.As(err, &r) && r.Code != protocol.CodeHeld, !sleep(ctx, pause):
			return nil, join.Identity{}, err
		}
	}
}

// tellEnd tells the head how a driver has ended, until it has heard it or the agent has no time left.
func (a *Agent) tellEnd(end *protocol.DriverEnd) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, takeAgain) {
		err := a.cfg.Control.Ask(a.ctx, protocol.OpEndDriver, end, nil)
		if err == nil || errors.As(err, new(*protocol.Refusal)) || !sleep(a.ctx, pause) {
			return
		}
	}
}
