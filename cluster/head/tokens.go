package head

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

const (
	tokenLife    = 24 * time.Hour
	maxTokenLife = 30 * 24 * time.Hour
	maxTokens    = 1000
)

// tokens is who may join. Of the secrets it has the hashes only.
type tokens struct {
	path string
	now  func() time.Time

	mu  sync.Mutex
	all map[string]*token
}

type token struct {
	protocol.TokenInfo

	Hash string `json:"hash"` // SHA-256 of the secret: it is random, so nothing slower is needed
}

func openTokens(path string, now func() time.Time) (*tokens, error) {
	t := &tokens{path: path, now: now, all: map[string]*token{}}
	return t, readJSON(path, &t.all)
}

// save must be called with the lock held. Those that expired a day ago go; until then, who uses one is told.
func (t *tokens) save() error {
	now := t.now()
	maps.DeleteFunc(t.all, func(_ string, k *token) bool { return now.Sub(k.Expires) > tokenLife })
	return writeJSON(t.path, t.all)
}

// make adds a token.
func (t *tokens) make(in protocol.NewToken) (protocol.TokenInfo, [16]byte, error) {
	var secret [16]byte
	info := protocol.TokenInfo{Role: in.Role, User: in.User, Left: or(in.Uses, 1)}
	if err := checkRole(in.Role); err != nil {
		return info, secret, err
	}
	if in.Role != join.RoleAgent || in.User != "" {
		if err := checkUser(in.User); err != nil {
			return info, secret, err
		}
	}
	life := or(in.Life, tokenLife)
	if info.Left < 1 || life < 0 || life > maxTokenLife {
		return info, secret, refuse(protocol.CodeMalformed,
			"a token is for one use or more, and for at most %v", maxTokenLife)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= maxTokens {
		return info, secret, refuse(protocol.CodeFull,
			"there are %d join tokens already: remove some with muster token rm", maxTokens)
	}
	info.ID, info.Expires = hex.EncodeToString(random(8)), t.now().Add(life)
	copy(secret[:], random(16))
	t.all[info.ID] = &token{TokenInfo: info, Hash: hashSecret(secret[:])}
	return info, secret, t.save()
}

// use takes one use of a token, if the secret is right. Who doesn't know the secret doesn't learn why it was refused.
func (t *tokens) use(id, secret string) (protocol.TokenInfo, error) {
	raw, err := hex.DecodeString(secret)
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.all[id]
	hash := hashSecret(raw)
	known := hash
	if ok {
		known = k.Hash
	}
	right := subtle.ConstantTimeCompare([]byte(hash), []byte(known)) == 1
	switch {
	case err != nil || !ok || !right:
		return protocol.TokenInfo{}, refuse(protocol.CodeForbidden,
			"this cluster has no such join token: it was removed, or is of another cluster; make one with muster token new")
	case t.now().After(k.Expires):
		return protocol.TokenInfo{}, refuse(protocol.CodeForbidden,
			"the join token expired at %s: make another with muster token new", k.Expires.UTC().Format(time.DateTime+" UTC"))
	case k.Left < 1:
		return protocol.TokenInfo{}, refuse(protocol.CodeForbidden,
			"the join token has been used as often as it may be: make another with muster token new")
	}
	k.Left--
	return k.TokenInfo, t.save()
}

func (t *tokens) list() []protocol.TokenInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]protocol.TokenInfo, 0, len(t.all))
	for _, k := range t.all {
		out = append(out, k.TokenInfo)
	}
	slices.SortFunc(out, func(a, b protocol.TokenInfo) int { return a.Expires.Compare(b.Expires) })
	return out
}

func (t *tokens) drop(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.all[id]; !ok {
		return refuse(protocol.CodeUnknown, "there is no join token %q; muster token ls lists them", short(id))
	}
	delete(t.all, id)
	return t.save()
}

func hashSecret(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:])
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it doesn't fail
	return b
}

// newID is a random id of letters and digits, of a node (n) or job (j).
func newID(kind string) string {
	return kind + strings.ToLower(base32.StdEncoding.EncodeToString(random(7))[:11])
}

// NewToken makes a token by which somebody may join. Zero uses are one, a zero life is a day.
func (h *Head) NewToken(in protocol.NewToken) (join.Token, protocol.TokenInfo, error) {
	info, secret, err := h.tokens.make(in)
	t := join.Token{Addresses: h.joinAddresses(), CAHash: join.CAHash(h.authority.cert.Raw), ID: info.ID, Secret: secret}
	info.Token = t.String()
	return t, info, err
}
