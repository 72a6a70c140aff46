package head

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// benchCluster is a head for a benchmark, with an admin who is connected.
func benchCluster(b *testing.B) (*Head, join.Control) {
	b.Helper()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := Start(b.Context(), Config{StateDir: b.TempDir(), Logger: log})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(h.Stop)
	conn, err := join.Connect(b.Context(), h.Admin(), join.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	return h, join.Control{Conn: conn, Who: h.Admin().Name}
}

func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		h, err := Start(b.Context(), Config{StateDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		h.Stop()
	}
}

func BenchmarkAsk(b *testing.B) {
	_, c := benchCluster(b)
	for b.Loop() {
		if err := c.Ask(b.Context(), protocol.OpListNodes, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenClose(b *testing.B) {
	_, c := benchCluster(b)
	for b.Loop() {
		_, public, err := join.NewKey()
		if err != nil {
			b.Fatal(err)
		}
		var job protocol.JobOpened
		in := protocol.OpenJob{Major: protocol.Major, PublicKey: public}
		if err := c.Ask(b.Context(), protocol.OpOpenJob, in, &job); err != nil {
			b.Fatal(err)
		}
		if err := c.Ask(b.Context(), protocol.OpCloseJob, protocol.CloseJob{Job: job.Job, Epoch: 1}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBlob(b *testing.B) {
	for name, size := range map[string]int{"100KiB": 100 << 10, "64MiB": 64 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		b.Run("put/"+name, func(b *testing.B) {
			_, c := benchCluster(b)
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				data[0], data[1], data[2] = byte(i), byte(i>>8), byte(i>>16)
				if err := c.PutBlob(b.Context(), join.HashBlob(data), int64(size), bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("get/"+name, func(b *testing.B) {
			_, c := benchCluster(b)
			hash := join.HashBlob(data)
			if err := c.PutBlob(b.Context(), hash, int64(size), bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := c.GetBlob(b.Context(), hash, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
