//go:build unix

package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// A log that can't be made is missed by the agent's own, once, and by no program.
func TestJoblogThatCantBeMade(t *testing.T) {
	var said bytes.Buffer
	l := newJoblog(filepath.Join(t.TempDir(), "nosuch", "log"), 100, slog.New(slog.NewTextHandler(&said, nil)))
	defer l.close()
	for range 2 {
		if n, err := l.Write([]byte("a line\n")); n != 7 || err != nil {
			t.Error(n, err)
		}
	}
	if strings.Count(said.String(), "is lost") != 1 {
		t.Errorf("the agent says %q", &said)
	}
}

func TestJoblog(t *testing.T) {
	l := newJoblog(filepath.Join(t.TempDir(), "log"), 100, slog.New(slog.DiscardHandler))
	defer l.close()
	if got, from, end := l.read(0, 10); len(got) != 0 || from != 0 || end != 0 {
		t.Errorf("before the first line: %q from %d of %d", got, from, end)
	}
	var all bytes.Buffer
	for i := range 25 {
		line := fmt.Sprintf("line %04d\n", i)
		_, _ = io.WriteString(io.MultiWriter(l, &all), line)
	}
	for _, c := range []struct {
		offset, from int64
		want         string
	}{
		{200, 200, all.String()[200:250]}, {245, 245, all.String()[245:]}, {-10, 240, "line 0024\n"},
		{150, 150, all.String()[150:200]}, {0, 100, all.String()[100:200]}, {999, 250, ""}, {-999, 100, all.String()[100:200]},
	} {
		if got, from, end := l.read(c.offset, 1000); string(got) != c.want || from != c.from || end != 250 {
			t.Errorf("from %d: %q from %d of %d", c.offset, got, from, end)
		}
	}
	if got, _, _ := l.read(200, 10); string(got) != "line 0020\n" {
		t.Errorf("10 bytes are %q", got)
	}
}

func TestRecent(t *testing.T) {
	var r recent
	for i := range uint64(1000) {
		if !r.add(i) || r.add(i) {
			t.Fatalf("number %d", i)
		}
	}
	if r.add(999-uint64(len(r.ring))+1) || !r.add(1) {
		t.Error("it forgets too early or too late")
	}
}

// blobs is a Control that has some.
type blobs map[string][]byte

func (b blobs) Ask(context.Context, string, any, any) error { return errors.ErrUnsupported }
func (b blobs) PutBlob(context.Context, string, int64, io.ReaderAt) error {
	return errors.ErrUnsupported
}
func (b blobs) GetBlob(_ context.Context, hash string, to io.Writer) (err error) {
	_, err = to.Write(b[hash])
	return err
}

// What the head on the same machine has needn't be fetched, if it is what its name says.
func TestBinaryOfTheHead(t *testing.T) {
	head := t.TempDir()
	bins, err := openBinaries(&folder{path: t.TempDir()}, 1<<20, head)
	if err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]string{"whole": "whole", "damaged": "d", "missing": ""} {
		hash := object.ID([]byte(name))
		control := blobs{hash: []byte(name)}
		if there != "" {
			if err := os.WriteFile(filepath.Join(head, hash), []byte(there), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if there == name {
			delete(control, hash)
		}
		path, err := bins.get(t.Context(), control, &protocol.Binary{Hash: hash, Size: int64(len(name))})
		if err != nil || string(mustRead(t, path)) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Executables that weren't used for longest go first, those in use never; a damaged one is fetched again.
func TestBinaries(t *testing.T) {
	f := &folder{path: t.TempDir()}
	bins, err := openBinaries(f, 250, "")
	if err != nil {
		t.Fatal(err)
	}
	control := blobs{}
	var list []*protocol.Binary
	for i := range 4 {
		data := bytes.Repeat([]byte{byte(i)}, 100)
		control[object.ID(data)] = data
		list = append(list, &protocol.Binary{Hash: object.ID(data), Size: 100})
	}
	get := func(i int) string {
		t.Helper()
		path, err := bins.get(t.Context(), control, list[i])
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := get(0) // in use to the end
	get(1)
	bins.release(list[1].Hash)
	old := time.Now().Add(-time.Hour)
	for _, b := range list[:2] {
		_ = os.Chtimes(bins.dir.Path(b.Hash), old, old)
	}
	get(2)
	if !bins.dir.Has(list[0].Hash) || bins.dir.Has(list[1].Hash) || !bins.dir.Has(list[2].Hash) {
		t.Error("the wrong one went")
	}
	_ = os.Chmod(first, 0o700)
	if err := os.WriteFile(first, []byte("damaged"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := bins.dir.Check(object.ID(mustRead(t, get(0)))); err != nil {
		t.Error(err)
	}
	control[list[3].Hash] = []byte("something else")
	if _, err := bins.get(t.Context(), control, list[3]); !errors.Is(err, object.ErrDamaged) {
		t.Errorf("a blob with other bytes: %v", err)
	}
	if _, err := bins.get(t.Context(), control, &protocol.Binary{Hash: "../../bin/sh"}); err == nil {
		t.Error("a path was taken for a hash")
	}
}

// A job that two digests of a head that is up for long don't list has ended; a young head's don't count.
func TestDigest(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	c.open("j1", nil)
	known := func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.jobs["j1"] != nil }
	within(t, "the job", known)
	digest := func(up float64, jobs ...protocol.JobDigest) {
		data, _ := json.Marshal(protocol.ClusterDigest{Up: up, Jobs: jobs})
		_ = c.conn.Publish(protocol.JobsDigest, data)
		c.flush()
	}
	for range 5 {
		digest(1)
		digest(100)
		digest(100, protocol.JobDigest{Job: "j1", Epoch: 1})
	}
	digest(100, protocol.JobDigest{Job: "j1", Epoch: 1}, protocol.JobDigest{Job: "j2", Epoch: 1})
	within(t, "the other job", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.jobs["j2"] != nil })
	if !known() {
		t.Error("the job was ended")
	}
	digest(100)
	digest(100)
	within(t, "the end of the job", func() bool { return !known() })
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {Node: "a b"}, {Node: "../x"}} {
		if _, err := Start(t.Context(), c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if machineMemory() < 64<<20 {
		t.Errorf("the machine has %d bytes", machineMemory())
	}
}
