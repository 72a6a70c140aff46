package muster

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/engine/remote"
	"github.com/musterrun/muster/protocol"
)

func TestPlatforms(t *testing.T) {
	built := builtFor([]remote.Binary{{OS: "linux", Arch: "arm64"}, {OS: "darwin", Arch: "arm64"}})
	fit, lacks := built.split([]protocol.NodeInfo{
		{Node: "a", OS: "linux", Arch: "arm64", Alive: true}, {Node: "b", OS: "linux", Arch: "amd64", Alive: true},
		{Node: "c", OS: "linux", Arch: "amd64", Alive: true}, {Node: "d", OS: "aix", Arch: "ppc64"},
		{Node: "e", OS: "darwin", Arch: "amd64", Alive: true}, {Node: "f", OS: "darwin", Arch: "arm64"},
	})
	if len(fit) != 2 || fit[0].Node != "a" || fit[1].Node != "f" || !slices.Equal(lacks, []string{"darwin/amd64", "linux/amd64"}) {
		t.Errorf("fit %+v, lacks %v", fit, lacks)
	}
	if own := builtFor(nil); len(own) != 1 || own[0] != runtime.GOOS+"/"+runtime.GOARCH {
		t.Error(own)
	}
}

// Nodes that a program can't use are told of once for each platform, and nothing that a task needs is looked for there.
func TestLackedPlatformsAreTold(t *testing.T) {
	var hints []string
	s := engine.Open(engine.Config{CPUs: 1, Grace: time.Second}, engine.Trial{})
	s.Listen(engine.Listener{Mask: event.All, Tell: func(e event.Event) { hints = append(hints, e.Text) }})
	l := &link{built: platforms{"linux/amd64"}}
	l.s.Store(s)
	nodes := []protocol.NodeInfo{
		{Node: "a", OS: "linux", Arch: "amd64", Alive: true}, {Node: "b", OS: "darwin", Arch: "arm64", Alive: true},
	}
	for range 2 {
		if fit := l.usable(nodes); len(fit) != 1 || fit[0].Node != "a" {
			t.Errorf("usable: %+v", fit)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	want := "nodes of darwin/arm64 get no tasks: this program is built for linux/amd64; muster run builds it for all of them"
	if len(hints) == 0 || hints[0] != want || slices.Contains(hints[1:], want) {
		t.Errorf("told %q", hints)
	}
}
