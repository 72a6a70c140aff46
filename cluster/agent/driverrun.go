package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/child"
	"github.com/musterrun/muster/protocol"
)

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
	log := newJoblog(a.folder.driverLog(d.DriverID), a.cfg.LogRoom, a.log)
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
const identityName = protocol.DriverIdentity

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
