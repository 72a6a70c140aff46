package muster

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/musterrun/muster/cluster/join"
)

// identityAt finds how to reach a cluster: addr is the name of a context, an address that stands in one, or the path of
// an identity's file.
func identityAt(addr string) (join.Identity, error) {
	if strings.ContainsRune(addr, filepath.Separator) {
		return join.Load(addr)
	}
	contexts, err := join.UserContexts()
	if err != nil {
		return join.Identity{}, err
	}
	names, err := contexts.List()
	if err != nil {
		return join.Identity{}, err
	}
	if slices.Contains(names, addr) {
		return contexts.Load(addr)
	}
	want := strings.TrimPrefix(addr, "tls://")
	for _, name := range names {
		id, err := contexts.Load(name)
		if err != nil {
			continue
		}
		for _, url := range id.URLs {
			if strings.TrimPrefix(url, "tls://") == want {
				return id, nil
			}
		}
	}
	known := "`muster up` makes a context, `muster join` one for a cluster elsewhere"
	if len(names) > 0 {
		known = "the contexts are " + strings.Join(names, ", ")
		if len(names) == 1 {
			known = "the only context is " + names[0]
		}
	}
	return join.Identity{}, fmt.Errorf("%q is no context and no address in one: %s", addr, known)
}
