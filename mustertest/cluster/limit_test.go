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
var alone = muster.Func("cluster.alone", func(ctx context.Context, busy string) (bool, error) {
	f, err := os.OpenFile(busy, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
	return true, errors.Join(f.Close(), os.Remove(busy))
})

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
	if err := admin.Ask(t.Context(), protocol.OpPutUser, protocol.UserShare{Name: "admin", CPUs: 1}, nil); err != nil {
		t.Fatal(err)
	}
	first := c.Context()
	s, second, err := muster.Open(t.Context(), c.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	busy := filepath.Join(t.TempDir(), "busy")
	var refs []muster.Ref[bool]
	for range 10 {
		refs = append(refs, alone.Go(first, busy), alone.Go(second, busy))
	}
	var jobs []protocol.JobInfo
	if err := admin.Ask(t.Context(), protocol.OpListJobs, nil, &jobs); err != nil || len(jobs) != 2 {
		t.Fatal(jobs, err)
	}
	named := 0
	for _, j := range jobs {
		var list protocol.TaskList
		if err := admin.Ask(t.Context(), protocol.OpListTasks, protocol.AskTasks{Job: j.Job}, &list); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.Join(list.Why, "\n"), "user admin is limited to 1 CPUs (muster user)") {
			named++
		}
	}
	if named == 0 {
		t.Error("no job says that it waits because of the limit")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, r := range refs {
		if _, err := r.Get(ctx); err != nil {
			t.Errorf("two ran together: %v", err)
		}
	}
}
