package head

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// forgetAfter is how long a key that isn't used is remembered, and may be renewed.
const forgetAfter = 90 * 24 * time.Hour

// identities is who may connect: the keys of users and nodes, with their roles. Jobs' keys are in the jobs' records.
type identities struct {
	path string
	now  func() time.Time

	change sync.Mutex // held by who changes one, over its I/O

	mu      sync.Mutex
	keys    map[string]protocol.IdentityInfo // by public key
	revoked map[string]time.Time             // keys that are refused, for as long as JWTs of them may be good
}

// identityFile is what identities.json holds.
type identityFile struct {
	Keys    []protocol.IdentityInfo `json:"keys"`
	Revoked map[string]time.Time    `json:"revoked"`
}

func openIdentities(path string, now func() time.Time) (*identities, error) {
	t := &identities{path: path, now: now, keys: map[string]protocol.IdentityInfo{}, revoked: map[string]time.Time{}}
	var file identityFile
	if err := readJSON(path, &file); err != nil {
		return nil, err
	}
	for _, k := range file.Keys {
		t.keys[k.PublicKey] = k
	}
	maps.Copy(t.revoked, file.Revoked)
	return t, nil
}

// update changes the table, and then writes it. The mutex isn't held meanwhile: each request looks up who asks.
func (t *identities) update(change func() error) error {
	t.change.Lock()
	defer t.change.Unlock()
	file, err := t.changed(change)
	if err != nil {
		return err
	}
	return writeJSON(t.path, file)
}

// changed changes the table, and gives what is to be written. What is too old to matter is dropped.
func (t *identities) changed(change func() error) (file identityFile, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := change(); err != nil {
		return file, err
	}
	now := t.now()
	maps.DeleteFunc(t.keys, func(_ string, k protocol.IdentityInfo) bool { return now.Sub(k.Expires) > forgetAfter })
	maps.DeleteFunc(t.revoked, func(_ string, at time.Time) bool { return now.Sub(at) > jwtAge+backDate })
	return identityFile{Keys: t.sorted(), Revoked: maps.Clone(t.revoked)}, nil
}

func (t *identities) sorted() []protocol.IdentityInfo {
	return slices.SortedFunc(maps.Values(t.keys), func(a, b protocol.IdentityInfo) int {
		return strings.Compare(a.Name+" "+a.PublicKey, b.Name+" "+b.PublicKey)
	})
}

// put adds a key or its new expiry.
func (t *identities) put(k protocol.IdentityInfo) error {
	return t.update(func() error {
		t.keys[k.PublicKey] = k
		return nil
	})
}

func (t *identities) get(public string) (protocol.IdentityInfo, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.keys[public]
	return k, ok
}

// role is what somebody may do, "" for nobody.
func (t *identities) role(who string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.keys {
		if k.Name == who {
			return k.Role
		}
	}
	return ""
}

// owner is the user whose node it is, if there is such a node.
func (t *identities) owner(node string) (user string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.keys {
		if k.Name == node && k.Role == join.RoleAgent {
			return or(k.User, firstAdmin), true
		}
	}
	return "", false
}

func (t *identities) list() []protocol.IdentityInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sorted()
}

// keysOf is the public keys of somebody.
func (t *identities) keysOf(who string) (keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for public, k := range t.keys {
		if k.Name == who {
			keys = append(keys, public)
		}
	}
	return keys
}

// drop removes all keys of somebody, and gives what is refused from now on.
func (t *identities) drop(who string) error {
	return t.update(func() error {
		found := false
		for public, k := range t.keys {
			if k.Name == who {
				found = true
				delete(t.keys, public)
				t.revoked[public] = t.now()
			}
		}
		if !found {
			return refuse(protocol.CodeUnknown, "there is no user or node %q; muster identity ls lists them", short(who))
		}
		return nil
	})
}

// dropKey refuses one key from now on, such as that of a job's former driver.
func (t *identities) dropKey(public string) error {
	return t.update(func() error {
		delete(t.keys, public)
		t.revoked[public] = t.now()
		return nil
	})
}

// refuseKey has one key refused from now on, by the head and by its servers.
func (h *Head) refuseKey(public string) error {
	if err := h.identities.dropKey(public); err != nil {
		return err
	}
	return h.enforce()
}

// enforce has the servers refuse what is to be refused now. It is asked for under several locks: those who ask at once wait
// for each other, so that nobody takes back what another has just had refused.
func (h *Head) enforce() error {
	h.enforcing.Lock()
	defer h.enforcing.Unlock()
	return h.server.update(h.identities.refused(), h.disk.full())
}

func (t *identities) refused() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.revoked)
}

var (
	userName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`) // at most 32 long: counted here, it takes longer to compile
	madeID   = regexp.MustCompile(`^[nj][a-z2-7]{11}$`)
)

// checkUser refuses names that can't stand in a subject, or could be a node's or job's.
func checkUser(name string) error {
	if len(name) > 32 || !userName.MatchString(name) || madeID.MatchString(name) || name == "head" {
		return refuse(protocol.CodeMalformed,
			"user %q: a name begins with a lower-case letter, has letters, digits, - and _, at most 32, and isn't head", short(name))
	}
	return nil
}

// checkRole refuses roles that one can't join in.
func checkRole(role string) error {
	if role != join.RoleAgent && role != join.RoleUser && role != join.RoleAdmin {
		return refuse(protocol.CodeMalformed, "role %q: it must be agent, user or admin", short(role))
	}
	return nil
}

// enroll signs a JWT for a key and remembers it.
func (h *Head) enroll(k protocol.IdentityInfo) (token string, err error) {
	if token, err = h.sign(&k); err == nil {
		err = h.keep(k)
	}
	return token, err
}

// sign makes a key's first JWT, which is good once the key is kept.
func (h *Head) sign(k *protocol.IdentityInfo) (token string, err error) {
	k.Issued = h.cfg.Now()
	token, k.Expires, err = h.keys.sign(k.PublicKey, k.Name, k.Role, 0)
	return token, err
}

func (h *Head) keep(k protocol.IdentityInfo) error {
	if err := h.identities.put(k); err != nil {
		return fmt.Errorf("enroll %s: %w", k.Name, err)
	}
	return nil
}

// renew signs another JWT for a key that has one: a user's, a node's, a submission's, or that of a job's driver.
func (h *Head) renew(public string) (token string, k protocol.IdentityInfo, err error) {
	if k, ok := h.identities.get(public); ok {
		if k.Role == join.RoleAgent {
			k.User = or(k.User, firstAdmin)
		}
		token, k.Expires, err = h.keys.sign(public, k.Name, k.Role, 0)
		if err == nil {
			k.Issued = h.cfg.Now()
			err = h.identities.put(k)
		}
		return token, k, err
	}
	if s, ok := h.drivers.byKey(public); ok {
		k = protocol.IdentityInfo{Name: s.ID, Role: join.RoleUser, PublicKey: public}
		token, k.Expires, err = h.keys.sign(public, k.Name, k.Role, 0)
		return token, k, err
	}
	if j, ok := h.jobs.byKey(public); ok {
		k = protocol.IdentityInfo{Name: j.info.Job, Role: join.RoleJob, PublicKey: public}
		token, k.Expires, err = h.keys.sign(public, k.Name, k.Role, j.info.Epoch)
		return token, k, err
	}
	return "", k, refuse(protocol.CodeForbidden, "this identity isn't known, or was revoked: join again with a new token")
}
