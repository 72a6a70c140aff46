package muster

import (
	"runtime"
	"slices"
	"testing"

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
