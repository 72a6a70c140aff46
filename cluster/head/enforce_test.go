package head

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// lastTold is servers that note what they were told last.
type lastTold struct {
	middleware

	revoked map[string]time.Time
}

func (l *lastTold) update(revoked map[string]time.Time, _ bool) error {
	l.revoked = revoked
	return nil
}

// Of keys that are refused at the same time none is let in again, by the servers or after a restart.
func TestRefuseAtOnce(t *testing.T) {
	const keys = 16
	path := filepath.Join(t.TempDir(), "identities.json")
	list, err := openIdentities(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	servers := &lastTold{}
	h := &Head{identities: list, server: servers, disk: &disk{}}
	var refusing sync.WaitGroup
	for i := range keys {
		refusing.Go(func() {
			if err := h.refuseKey(fmt.Sprint("key", i)); err != nil {
				t.Error(err)
			}
		})
	}
	refusing.Wait()
	again, err := openIdentities(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if n, kept := len(servers.revoked), len(again.refused()); n != keys || kept != keys {
		t.Errorf("%d keys of %d are refused, and %d after a restart", n, keys, kept)
	}
}
