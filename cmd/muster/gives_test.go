//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// looking is a program whose tasks say where they run, and what they see there.
const looking = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/musterrun/muster"
)

type Seen struct{ Node, GPUs, Shipped string }

var Look = muster.Func("look", func(ctx context.Context, n int) (Seen, error) {
	muster.Log(ctx).Info("looked", "n", n)
	data, err := os.ReadFile("model.bin")
	return Seen{muster.Info(ctx).Node, os.Getenv("CUDA_VISIBLE_DEVICES"), string(data)}, err
})

var Hold = muster.Func("hold", func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() })

func main() {
	muster.Main(func(ctx context.Context) error {
		for i, f := range []*muster.Function[int, Seen]{
			Look.With(muster.Where("zone=a")), Look.With(muster.Where("zone=b")), Look.With(muster.Where("zone!=a")),
			Look.With(muster.GPUs(2)), Look.With(muster.GPUs(0.5)), Look.With(muster.Resource("seats", 1)),
		} {
			s, err := f.Call(ctx, i)
			fmt.Printf("%d %s %q %q %v\n", i, s.Node, s.GPUs, s.Shipped, err)
		}
		_, err := Hold.Call(ctx, 0)
		return err
	})
}
`

// Tasks get to the nodes that give what they ask for, by the flags of up and join; their lines are in the job's log.
func TestWhatNodesGive(t *testing.T) {
	t.Parallel()
	p := newPlace(t, looking)
	p.write("model.bin", "weights")
	second := p.state("second")
	p.cleanUp(second, p.state("state"))
	p.want(0, "the cluster", short("up", "--cpus=2", "--gpus=2", "--label=zone=a")...)
	token := read[protocol.TokenInfo](p, "token", "new", "--json").Token
	join := short("join", "--state", second, "--token", token, "--gpus=-1", "--label=zone=b", "--resource=seats=1")
	p.want(0, "this machine is node", join...)
	p.want(0, "gpus=2 zone=a", "nodes")
	p.want(0, "seats=1 zone=b", "nodes")
	var a, b string
	for _, n := range read[[]protocol.NodeInfo](p, "nodes", "--json") {
		if n.GPUs == 2 {
			a = n.Node
		} else {
			b = n.Node
		}
	}
	driver, lines := p.start("run", "--job=look", "--with=model.bin", ".")
	for _, want := range []string{
		"0 " + a + ` "" "weights" <nil>`, "1 " + b + ` "" "weights" <nil>`, "2 " + b + ` "" "weights" <nil>`,
		"3 " + a + ` "0,1" "weights" <nil>`, "4 " + a + ` "0" "weights" <nil>`, "5 " + b + ` "" "weights" <nil>`,
	} {
		awaitLine(t, lines, want)
	}
	for _, want := range []string{"n=0", "n=5"} {
		out := p.want(0, want, "logs", "look")
		if i := strings.Index(out, want); !strings.Contains(out[:max(i, 0)], "msg=looked func=look task=") {
			t.Errorf("a line without the task's name: %s", out)
		}
	}
	p.want(0, "cancelled look", "cancel", "look")
	p.exit(driver)
}

// A program is built once for each platform that nodes have.
func TestBuildsForNodes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"go.mod": "module example.com/small\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := platform{"windows", runtime.GOARCH}
	own := ownPlatform()
	var said bytes.Buffer
	b := &builder{dir: t.TempDir(), pkg: ".", stderr: &said}
	list, err := b.binaries(t.Context(), "here", []protocol.NodeInfo{
		{OS: other.system, Arch: other.arch, Alive: true}, {OS: other.system, Arch: other.arch, Alive: true},
		{OS: own.system, Arch: own.arch, Alive: true}, {OS: "plan9", Arch: "arm"},
	})
	if err != nil {
		t.Fatal(err, said.String())
	}
	prefix := envBinaries + "=" + own.String() + "=here:" + other.String() + "="
	path, ok := strings.CutPrefix(list, prefix)
	if data, err := os.ReadFile(path); !ok || err != nil || !bytes.HasPrefix(data, []byte("MZ")) {
		t.Errorf("%s: %v", list, err)
	}
	if said.String() != "muster: building for "+other.String()+" too, which nodes are\n" {
		t.Errorf("said %q", said.String())
	}
}
