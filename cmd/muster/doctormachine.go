package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// roomWanted is how much of the disk should be free: executables, journals and values lie there.
const roomWanted = 2 << 30

// machine checks the state folder and what runs by it.
func (d *diagnosis) machine(state daemon.Folder) {
	d.add("version", levelOK, "", "muster %s, %s, Go %s", version(), ownPlatform(), runtime.Version())
	if _, err := os.Stat(string(state)); errors.Is(err, fs.ErrNotExist) {
		d.add("state", levelOK, "", "%s isn't there: nothing has been started by it yet", state)
	} else {
		err := writable(string(state))
		d.result("state", err, "have it be yours, or give another folder by --state or MUSTER_STATE", string(state)+" can be written to")
		if err == nil {
			d.result("programs", executes(string(state)),
				"mount it without noexec, or give another folder by --state or MUSTER_STATE", "programs in it can be run")
		}
	}
	d.disk(nearest(string(state)))
	for _, name := range []string{serviceHead, serviceAgent} {
		r, running, err := state.Running(name)
		well := "doesn't run on this machine"
		if running {
			well = fmt.Sprintf("process %d, since %s; its log: %s", r.PID, r.Started.Local().Format(time.DateTime), state.LogFile(name))
		}
		d.result("own "+name, err, "look at "+state.LogFile(name), well)
	}
	if _, err := exec.LookPath("go"); err != nil {
		d.add("go", levelWarn, "install Go, and put it on the PATH", "there is no go command, which muster run builds programs by")
	}
}

// nearest is the folder itself, or the first above it that is there.
func nearest(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 1<<16))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// executes starts a program that lies in the folder.
func executes(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // there is no noexec
	}
	path := filepath.Join(dir, ".doctor.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil { //nolint:gosec // it is to be run
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	err := exec.CommandContext(ctx, path).Run()
	return errors.Join(err, os.Remove(path))
}

func (d *diagnosis) disk(dir string) {
	free, err := diskFree(dir)
	switch {
	case err != nil:
		d.add("disk", levelWarn, "", "how much room it has isn't known: %v", err)
	case free < roomWanted:
		d.add("disk", levelWarn, "remove something, or give another folder by --state or MUSTER_STATE",
			"%s are free at %s, less than %s", size(free), dir, size(roomWanted))
	default:
		d.add("disk", levelOK, "", "%s are free at %s", size(free), dir)
	}
}

// clockSkew is from which difference of clocks on identities may be refused; they are made to hold an hour earlier.
const (
	clockWarn = 5 * time.Second
	clockSkew = 30 * time.Minute
)

// glance bounds each of the two looks at a head that may not answer, the join port's and the cluster's.
const glance = 2 * time.Second

// clock compares this machine's clock with the head's, by the time at which that signs a new identity, in seconds. It
// takes the way by which identities are renewed, so that is checked too.
func (d *diagnosis) clock(ctx context.Context, id join.Identity) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	fresh, err := join.Renew(ctx, id)
	took := time.Since(began)
	if err == nil {
		var head time.Time
		if head, err = issuedAt(fresh.JWT); err == nil {
			d.skew(skewOf(head, began, took))
		}
	}
	d.result("join", err, "", "identities are renewed at "+strings.Join(id.Join, ", "))
}

func (d *diagnosis) skew(by time.Duration) {
	l := levelOK
	switch {
	case by.Abs() > clockSkew:
		l = levelBad
	case by.Abs() > clockWarn:
		l = levelWarn
	}
	text := "this machine's clock agrees with the head's"
	if l != levelOK {
		text = fmt.Sprintf("this machine's clock is %v behind the head's", by.Round(time.Second))
		if by < 0 {
			text = fmt.Sprintf("this machine's clock is %v ahead of the head's", -by.Round(time.Second))
		}
	}
	d.add("clock", l, "set the clocks right, by NTP", "%s", text)
}

// skewOf is by how much the head's clock is ahead, which was read between began and took later, and to the second.
func skewOf(head, began time.Time, took time.Duration) time.Duration {
	earliest, latest := began.Truncate(time.Second), began.Add(took)
	switch {
	case head.Before(earliest):
		return head.Sub(earliest)
	case head.After(latest):
		return head.Sub(latest)
	}
	return 0
}
