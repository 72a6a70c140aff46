package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// alone fails if another task runs that was given the same name of a file, on this machine.
var (
	alone      = muster.Func("cluster.alone", onlyOne)
	aloneLarge = muster.Func("cluster.aloneLarge", onlyOne, muster.Memory(3<<20))
)

func onlyOne(ctx context.Context, busy string) (bool, error) {
	f, err := os.OpenFile(busy, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
	return true, errors.Join(f.Close(), os.Remove(busy))
}

// asAdmin is the head's control service.
func asAdmin(t *testing.T, c *cluster.Cluster) join.Control {
	t.Helper()
	admin, err := join.Load(c.Config().Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := join.Connect(t.Context(), admin, join.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return join.Control{Conn: conn, Who: admin.Name}
}

// The tasks of a user with a limit never have more, of two jobs together, though nodes have more room; and why says so.
func TestLimitOfAUser(t *testing.T) {
	c := cluster.Start(t, 1)
	admin := asAdmin(t, c)
	for _, x := range []struct {
		limits protocol.Limits
		f      *muster.Function[string, bool]
		why    string
	}{
		{protocol.Limits{CPUs: 1}, alone, "user admin is limited to 1 CPU (muster user)"},
		{protocol.Limits{Memory: 5 << 20}, aloneLarge, "user admin is limited to 5 MiB of memory (muster user)"},
	} {
		if err := admin.Ask(t.Context(), protocol.OpPutUser, protocol.UserShare{Name: "admin", Limits: x.limits}, nil); err != nil {
			t.Fatal(err)
		}
		keepsLimit(t, c, admin, x.f, x.why)
	}
}

// keepsLimit runs two jobs of one user, of which no two tasks run together.
func keepsLimit(t *testing.T, c *cluster.Cluster, admin join.Control, f *muster.Function[string, bool], why string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	busy := filepath.Join(t.TempDir(), "busy")
	var refs []muster.Ref[bool]
	var jobs []context.Context
	for range 2 {
		s, job, err := muster.Open(ctx, c.Config())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		jobs = append(jobs, job)
	}
	for range 10 {
		refs = append(refs, f.Go(jobs[0], busy), f.Go(jobs[1], busy))
	}
	var list []protocol.JobInfo
	if err := admin.Ask(ctx, protocol.OpListJobs, nil, &list); err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, j := range list {
		if j.State != protocol.JobRunning {
			continue
		}
		var tasks protocol.TaskList
		if err := admin.Ask(ctx, protocol.OpListTasks, protocol.AskTasks{Job: j.Job}, &tasks); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.Join(tasks.Why, "\n"), why) {
			named++
		}
	}
	if named == 0 {
		t.Errorf("no job says that it waits since %s", why)
	}
	for _, r := range refs {
		if _, err := r.Get(ctx); err != nil {
			t.Errorf("two ran together though %s: %v", why, err)
		}
	}
}
