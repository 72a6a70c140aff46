package head

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// jwtAge is how long a user JWT is good for. It is renewed in use.
const jwtAge = 24 * time.Hour

// keyring has the keys of the cluster: of who vouches for accounts, of the account in which everything happens, and of
// the one that servers use among themselves.
type keyring struct {
	operator, account, system nkeys.KeyPair
	accountID, systemID       string // public keys
	now                       func() time.Time

	// Of an account of servers that aren't the head's own there are these alone: account signs for it, and is accountID's
	// own key or else one that its JWT names.
	external bool
	issuer   string        // accountID in the second case, "" in the first
	age      time.Duration // how long JWTs are good for
}

func openKeys(dir string, now func() time.Time) (*keyring, error) {
	k := &keyring{now: now, age: jwtAge}
	list := [...]struct {
		name string
		pair *nkeys.KeyPair
		make func() (nkeys.KeyPair, error)
	}{
		{"operator", &k.operator, nkeys.CreateOperator},
		{"account", &k.account, nkeys.CreateAccount},
		{"system", &k.system, nkeys.CreateAccount},
	}
	var errs [len(list)]error
	var all sync.WaitGroup
	for i, one := range list { // at once, since new ones are synced
		all.Go(func() { *one.pair, errs[i] = openKey(filepath.Join(dir, one.name+".nk"), one.make) })
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	var err, err2 error
	k.accountID, err = k.account.PublicKey()
	k.systemID, err2 = k.system.PublicKey()
	return k, errors.Join(err, err2)
}

// openKey reads a key's seed from a file, or makes it.
func openKey(path string, create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, error) {
	seed, err := os.ReadFile(path)
	if err == nil {
		pair, err := nkeys.FromSeed(seed)
		if err != nil {
			return nil, fmt.Errorf("open key %s: it is damaged; restore it from a copy: %w", path, err)
		}
		return pair, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open key: %w", err)
	}
	pair, err := create()
	if err != nil {
		return nil, fmt.Errorf("make key %s: %w", path, err)
	}
	if seed, err = pair.Seed(); err != nil {
		return nil, fmt.Errorf("make key %s: %w", path, err)
	}
	return pair, writeFile(path, seed)
}

// operatorClaims is what the server trusts.
func (k *keyring) operatorClaims() (*jwt.OperatorClaims, error) {
	id, err := k.operator.PublicKey()
	if err != nil {
		return nil, err
	}
	c := jwt.NewOperatorClaims(id)
	c.Name, c.SystemAccount = "muster", k.systemID
	text, err := c.Encode(k.operator)
	if err != nil {
		return nil, err
	}
	return jwt.DecodeOperatorClaims(text)
}

// accountClaims is the account in which everything happens. What is kept is bounded stream by stream, and by the disk.
func (k *keyring) accountClaims(revoked map[string]time.Time, full bool) *jwt.AccountClaims {
	c := jwt.NewAccountClaims(k.accountID)
	c.Name = "muster"
	c.Limits.JetStreamLimits = jwt.JetStreamLimits{
		DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit, MaxAckPending: jwt.NoLimit, MaxBytesRequired: true,
	}
	if full {
		c.Limits.DiskStorage = 1
	}
	for key, at := range revoked {
		c.RevokeAt(key, at)
	}
	return c
}

func (k *keyring) systemClaims() *jwt.AccountClaims {
	c := jwt.NewAccountClaims(k.systemID)
	c.Name = "system"
	return c
}

// sign makes a JWT for a key in a role. The epoch is that of a job, and 0 for others.
func (k *keyring) sign(public, name, role string, epoch uint32) (string, time.Time, error) {
	if !nkeys.IsValidPublicUserKey(public) {
		return "", time.Time{}, refuse(protocol.CodeMalformed, "%q isn't a user's public key", short(public))
	}
	c := jwt.NewUserClaims(public)
	c.Name = name
	c.Tags.Add(role, join.Rules)
	c.Permissions = permissions(name, role, epoch)
	c.IssuerAccount = k.issuer
	c.AllowedConnectionTypes = jwt.StringList{jwt.ConnectionTypeStandard}
	if role == roleHead && !k.external {
		c.AllowedConnectionTypes = jwt.StringList{jwt.ConnectionTypeInProcess}
	}
	now := k.now()
	expires := now.Add(k.age)
	c.NotBefore, c.Expires = now.Add(-backDate).Unix(), expires.Unix()
	if role == roleHead { // its key is known in this process only
		c.NotBefore, c.Expires = 0, 0
	}
	text, err := c.Encode(k.account)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign the JWT of %s: %w", name, err)
	}
	return text, expires, nil
}

func short(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}

// publicKey is the public half of a seed.
func publicKey(seed string) (string, error) {
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", fmt.Errorf("read a key: it is damaged: %w", err)
	}
	defer pair.Wipe()
	return pair.PublicKey()
}
