package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// prepared makes a job's folder with its files, once; a failure is tried again by the next worker's start.
func (a *Agent) prepared(j *job) (*prepared, error) {
	j.prepare.Lock()
	defer j.prepare.Unlock()
	if j.before != nil {
		<-j.before
	}
	a.mu.Lock()
	ready, info, acc, epoch := j.ready, j.info, j.account, j.epoch
	a.mu.Unlock()
	if ready != nil {
		return ready, nil
	}
	if info == nil {
		return nil, errors.New("the head hasn't said yet what the job needs")
	}
	ready, err := a.prepareFolder(j, info, acc)
	if err != nil {
		return nil, fmt.Errorf("prepare the job's folder: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if j.epoch == epoch {
		j.ready = ready
	}
	return ready, nil
}

func (a *Agent) prepareFolder(j *job, info *protocol.JobInfo, acc *account) (*prepared, error) {
	dir, err := a.folder.makeJob(j.id, acc)
	if err != nil {
		return nil, err
	}
	ready := &prepared{dir: dir, account: acc}
	err = acc.do(func() error {
		err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o700)
		if err == nil {
			ready.objects, err = object.Open(filepath.Join(dir, "objects"))
		}
		for i := range info.Files {
			if err == nil {
				err = placeFile(j.ctx, a.cfg.Control, dir, &info.Files[i])
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if j.logfile == nil { // it goes on over the job's epochs
		j.logfile = newJoblog(a.folder.jobLog(j.id), a.cfg.LogRoom, a.log)
	}
	ready.log = j.logfile
	return ready, nil
}

// placeFile brings one of the job's files to its place. It never leaves the folder, whatever its path says.
func placeFile(ctx context.Context, control Control, dir string, f *protocol.File) (err error) {
	name := filepath.FromSlash(f.Path)
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the job's file %q doesn't lie in its folder", f.Path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	_ = root.Remove(name)
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = control.GetBlob(ctx, f.Hash, file)
	if err = errors.Join(err, file.Chmod(fs.FileMode(f.Mode)&0o777|0o400), file.Close()); err != nil {
		_ = root.Remove(name)
		return fmt.Errorf("bring the file %s: %w", f.Path, err)
	}
	return nil
}

// cleanEnv is what programs need to run at all.
func cleanEnv(dir string, acc *account) []string {
	env := []string{"TMPDIR=" + filepath.Join(dir, "tmp")}
	inherited := []string{"PATH", "LANG", "HOME", "XDG_CACHE_HOME"}
	if acc != nil {
		inherited = inherited[:2]
		env = append(env, "HOME="+acc.home, "USER="+acc.name, "LOGNAME="+acc.name)
	}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// workerEnv is a worker's clean environment, and what the job declares.
func (a *Agent) workerEnv(p *proc, files *prepared, declared []string) []string {
	env := cleanEnv(files.dir, files.account)
	if a.limits != nil {
		env = append(env, limitOf(p.kind, &p.need, a.cfg.CPUs).env()...)
	}
	env = append(env, declared...) // of two with one name the later counts
	switch {
	case p.gpus != nil:
		env = append(env, visibleGPUs+"="+a.gpus.visible(p.gpus))
	case len(a.gpus.names) > 0:
		env = append(env, visibleGPUs+"=")
	}
	return append(env, protocol.EnvCPUs+"="+strconv.FormatFloat(a.cfg.CPUs, 'f', -1, 64)) // how much runs at once
}
