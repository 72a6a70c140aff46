package agent

import (
	"slices"
	"strconv"

	"github.com/musterrun/muster/protocol"
)

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
