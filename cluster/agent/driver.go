package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/child"
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

// runDriver runs a driver to its end. An error says why it wasn't started.
func (a *Agent) runDriver(ctx context.Context, d *driver, taken *protocol.DriverTaken, id join.Identity) (child.Ended, error) {
	i := slices.IndexFunc(taken.Binaries, func(b protocol.Binary) bool { return b.OS == runtime.GOOS && b.Arch == runtime.GOARCH })
	if i < 0 {
		return child.Ended{}, errors.New("it isn't built for " + runtime.GOOS + "/" + runtime.GOARCH)
	}
	acc, err := a.accountOf(taken.Owner)
	if err != nil {
		return child.Ended{}, fmt.Errorf("node %s doesn't serve user %s: %w", a.cfg.Node, taken.Owner, err)
	}
	dir, err := a.driverFolder(ctx, d, taken, id, acc)
	if err != nil {
		return child.Ended{}, err
	}
	path, err := a.bins.get(ctx, a.cfg.Control, &taken.Binaries[i])
	if err != nil {
		return child.Ended{}, err
	}
	defer a.bins.release(taken.Binaries[i].Hash)
	log, err := openJoblog(a.folder.driverLog(d.DriverID), a.cfg.LogRoom)
	if err != nil {
		return child.Ended{}, err
	}
	defer log.close()
	a.mu.Lock()
	d.log = log
	a.mu.Unlock()
	group, err := a.limits.make(limit{weight: weightOf(1)})
	if err != nil {
		a.log.Warn("a driver runs without limits of its own", "driver", d.ID, "error", err)
	}
	defer group.end()
	defer a.driverEnded(d)
	return child.RunProgram(&child.Spec{
		Path: path, Name: taken.Program, Args: taken.Args, Env: a.driverEnv(dir, acc, taken), Dir: dir, Output: log,
		Attributes: acc.attributes, Killed: group.killed,
		Started: func(pid int) {
			a.folder.noteDriver(pid)
			a.mu.Lock()
			d.pid = pid
			a.mu.Unlock()
			if err := group.take(pid); err != nil {
				a.log.Warn("a driver runs without limits of its own", "driver", d.ID, "error", err)
			}
		},
	}, d.stop)
}

// driverEnded forgets a driver's process.
func (a *Agent) driverEnded(d *driver) {
	a.mu.Lock()
	pid := d.pid
	d.pid = 0
	a.mu.Unlock()
	a.folder.forgetDriver(pid)
}

// driverFolder makes the folder in which the driver runs, with its files, and its identity in a file that it may read.
func (a *Agent) driverFolder(ctx context.Context, d *driver, taken *protocol.DriverTaken, id join.Identity, acc *account) (string, error) {
	dir, err := a.folder.makeJob(d.ID, acc)
	if err != nil {
		return "", err
	}
	return dir, acc.do(func() error {
		err := errors.Join(os.MkdirAll(filepath.Join(dir, "tmp"), 0o700), id.Save(filepath.Join(dir, identityName)))
		for i := range taken.Files {
			if err == nil {
				err = placeFile(ctx, a.cfg.Control, dir, &taken.Files[i])
			}
		}
		return err
	})
}

// identityName is the file in its folder by which a driver reaches the cluster.
const identityName = ".muster.json"

// driverEnv is a driver's clean environment: what programs need to run at all, what was submitted with it, and what Main
// needs to run it as its job. It has a cache of its own: what it resumes from is the job's journal on the head.
func (a *Agent) driverEnv(dir string, acc *account, taken *protocol.DriverTaken) []string {
	env := append(cleanEnv(dir, acc), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	if len(a.gpus.names) > 0 {
		env = append(env, visibleGPUs+"=")
	}
	env = append(env, taken.Env...)
	env = append(env, protocol.EnvAddr+"="+filepath.Join(dir, identityName), protocol.EnvJob+"="+taken.Name)
	if list := protocol.BinaryList(taken.Binaries); list != "" {
		env = append(env, protocol.EnvBinaries+"="+list)
	}
	if list := protocol.FileList(taken.Files); list != "" {
		env = append(env, protocol.EnvFiles+"="+list)
	}
	if taken.Again {
		env = append(env, protocol.EnvTakeOver+"=1")
	}
	return env
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

// driverOver keeps the log of a driver that has ended for a while.
func (a *Agent) driverOver(d *driver) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d.over = true
	a.past = append(a.past, d)
	if len(a.past) <= keptLogs {
		return
	}
	oldest := a.past[0]
	a.past = slices.Delete(a.past, 0, 1)
	if a.drivers[oldest.ID] == oldest {
		delete(a.drivers, oldest.ID)
	}
	a.folder.removeLog(a.folder.driverLog(oldest.DriverID))
}

// leaveDrivers kills the drivers, since the agent stops or its node is drained: they would hardly end by themselves, and
// the head has others start them again. They are killed at once, and not asked to end: Main would cancel
// what runs on other nodes, and so the next one adopts it. The mutex is held.
func (a *Agent) leaveDrivers() {
	for _, d := range a.drivers {
		if !d.over {
			d.left = true
			d.tell(0)
		}
	}
}

// forgetDrivers removes the logs of those that have ended. No goroutine is left.
func (a *Agent) forgetDrivers() {
	for _, d := range a.past {
		a.folder.removeLog(a.folder.driverLog(d.DriverID))
	}
}

// driversOver reports whether all drivers have ended, and the head knows. The mutex is held.
func (a *Agent) driversOver() bool {
	for _, d := range a.drivers {
		if !d.over {
			return false
		}
	}
	return true
}

// driverLogOf is the log of a driver that runs or has ended lately; nil if there is none. The mutex is held.
func (a *Agent) driverLogOf(id protocol.DriverID) *joblog {
	if d := a.drivers[id.ID]; d != nil && d.DriverID == id {
		return d.log
	}
	for _, d := range a.past {
		if d.DriverID == id {
			return d.log
		}
	}
	return nil
}

// driverLog is the path of a driver's log.
func (f *folder) driverLog(id protocol.DriverID) string {
	return f.job(id.ID) + "-" + strconv.Itoa(id.Attempt) + ".log"
}
