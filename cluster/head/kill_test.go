package head

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// childHead is a head in a process of its own, until it is killed or its input ends. It prints a token when it is up.
func childHead() int {
	h, err := Start(context.Background(), Config{StateDir: os.Getenv("MUSTER_TEST_HEAD"), Ages: shortAges})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer h.Stop()
	token, _, err := h.NewToken(protocol.NewToken{Role: join.RoleAgent, Uses: 10})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(token)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return 0
}

// child starts a head in a process of its own; kill kills it.
func child(t *testing.T, dir string) (line string, kill func()) {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(os.Environ(), "MUSTER_TEST_HEAD="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() })
	if line, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return line, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// Killed and started again, a head is at the same ports with the same keys, jobs, tokens and journals, and all come
// back by themselves.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	line, kill := child(t, dir)
	token, err := join.ParseToken(line)
	if err != nil {
		t.Fatal(line)
	}
	id, err := join.Join(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t}
	n := c.connect(id)
	adminID, err := join.Load(folder(dir+"/head").keys() + "/admin.json")
	if err != nil {
		t.Fatal(err)
	}
	u := c.connect(adminID)
	job, j := c.open(u, "nightly")
	publish := func(m *member) error {
		js, err := jetstream.New(m.Conn)
		if err == nil {
			_, err = js.Publish(t.Context(), protocol.OutcomeSubject(job.Job, n.Who), []byte("outcome"))
		}
		return err
	}
	if err := publish(n); err != nil {
		t.Fatal(err)
	}
	readJournal(t, j, job, 1)
	var back []chan nats.Status
	for _, m := range []*member{n, u, j} {
		back = append(back, m.Conn.StatusChanged(nats.CONNECTED))
	}
	kill()
	if err := n.Conn.Publish("m.c."+n.Who+".x", nil); err == nil && n.Conn.FlushTimeout(time.Second) == nil {
		t.Error("the head isn't gone")
	}
	_, kill = child(t, dir)
	defer kill()
	for _, b := range back {
		await(t, b, func(s nats.Status) bool { return s == nats.CONNECTED })
	}
	if err := publish(n); err != nil {
		t.Fatal(err)
	}
	readJournal(t, j, job, 1)
	j.ask(protocol.OpRenewJob, protocol.RenewJob{Job: job.Job, Epoch: 1, Read: 2}, nil)
	if _, err := join.Join(t.Context(), token); err != nil {
		t.Errorf("the token is gone: %v", err)
	}
	digests := n.hear(protocol.JobsDigest)
	await(t, digests, func(m *nats.Msg) bool {
		var d protocol.ClusterDigest
		return json.Unmarshal(m.Data, &d) == nil && len(d.Jobs) == 1 && d.Jobs[0].Job == job.Job
	})
}

// Only one head at a time has a folder, and a port.
func TestSecondHead(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Config{StateDir: dir})
	for _, r := range []struct {
		c     Config
		words string
	}{
		{Config{StateDir: dir}, fmt.Sprintf("another head (process %d) has the folder %s", os.Getpid(), dir)},
		{Config{StateDir: t.TempDir(), Addr: c.Addr()}, "stop what listens there"},
		{Config{StateDir: t.TempDir(), JoinAddr: c.JoinAddr()}, "stop what listens there"},
		{Config{StateDir: t.TempDir(), Addr: "nowhere"}, "must be host:port"},
		{Config{StateDir: t.TempDir(), Addr: "127.0.0.1:x"}, "must end with a port"},
		{Config{StateDir: t.TempDir(), Limits: Limits{FreeBytes: 1 << 60}}, "disk is full"},
		{Config{StateDir: t.TempDir(), Ages: protocol.Ages{Renew: time.Hour}}, "must be below"},
	} {
		_, err := Start(t.Context(), r.c)
		oneLine(t, err, r.words)
	}
}
