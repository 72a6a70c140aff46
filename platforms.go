package muster

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/engine/remote"
	"github.com/musterrun/muster/protocol"
)

// platforms are those that a program is built for, as OS/ARCH.
type platforms []string

func builtFor(binaries []remote.Binary) platforms {
	if len(binaries) == 0 { // its own executable is shipped
		return platforms{runtime.GOOS + "/" + runtime.GOARCH}
	}
	var p platforms
	for _, b := range binaries {
		p = append(p, b.OS+"/"+b.Arch)
	}
	return p
}

// split gives the nodes that can run the program, and the platforms of the others that live, sorted.
func (p platforms) split(nodes []protocol.NodeInfo) (fit []protocol.NodeInfo, lacks []string) {
	for _, n := range nodes {
		switch of := n.OS + "/" + n.Arch; {
		case slices.Contains(p, of):
			fit = append(fit, n)
		case n.Alive && !slices.Contains(lacks, of):
			lacks = append(lacks, of)
		}
	}
	slices.Sort(lacks)
	return fit, lacks
}

// check is an error if nodes live, and none of them can run the program: its tasks would wait in vain.
func (p platforms) check(ctx context.Context, user *remote.User) error {
	var nodes []protocol.NodeInfo
	if err := user.Ask(ctx, protocol.OpListNodes, nil, &nodes); err != nil {
		return err
	}
	fit, lacks := p.split(nodes)
	if len(lacks) == 0 || slices.ContainsFunc(fit, func(n protocol.NodeInfo) bool { return n.Alive }) {
		return nil
	}
	return fmt.Errorf("its nodes are %s, and this program is built for %s: start it with muster run, which builds it for all of them",
		strings.Join(lacks, ", "), strings.Join(p, ", "))
}

// usable is the nodes that can run the program. Of platforms that it lacks it tells once.
func (l *link) usable(nodes []protocol.NodeInfo) []protocol.NodeInfo {
	fit, lacks := l.built.split(nodes)
	lacks = slices.DeleteFunc(lacks, func(p string) bool { return slices.Contains(l.lacks, p) })
	if len(lacks) > 0 {
		l.lacks = append(l.lacks, lacks...)
		l.s.Load().Note(event.Event{Kind: event.Hint, Item: -1, Text: fmt.Sprintf(
			"nodes of %s get no tasks: this program is built for %s; muster run builds it for all of them",
			strings.Join(lacks, ", "), strings.Join(l.built, ", "))})
	}
	return fit
}
