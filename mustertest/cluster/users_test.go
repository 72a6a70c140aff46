package cluster_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// asUser is the configuration of a session of another user's.
func asUser(t *testing.T, c *cluster.Cluster, name string) muster.Config {
	t.Helper()
	cfg := c.Config()
	admin, err := join.Load(cfg.Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := join.Connect(t.Context(), admin, join.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var made protocol.TokenInfo
	ask := protocol.NewToken{Role: join.RoleUser, User: name, Uses: 1, Life: time.Hour}
	if err := (join.Control{Conn: conn, Who: admin.Name}).Ask(t.Context(), protocol.OpNewToken, ask, &made); err != nil {
		t.Fatal(err)
	}
	token, err := join.ParseToken(made.Token)
	if err != nil {
		t.Fatal(err)
	}
	id, err := join.Join(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Addr = filepath.Join(t.TempDir(), name+".json")
	if err := id.Save(cfg.Addr); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Tasks of a user whom no node serves wait, and fail in time, and it is said why; those of others run.
func TestUsersWhomNoNodeServes(t *testing.T) {
	c := cluster.Start(t, 1)
	ctx, hints := impatient(t, asUser(t, c, "stranger"))
	_, err := inc.Call(ctx, 1)
	if err == nil || !strings.Contains(err.Error(), "no node serves this user's jobs; node node1: it ") {
		t.Error(err)
	}
	if text := <-hints; !strings.Contains(text, "cluster.inc waits: no node serves this user's jobs") {
		t.Error(text)
	}
	if v, err := inc.Call(c.Context(), 1); v != 2 || err != nil {
		t.Error(v, err)
	}
}
