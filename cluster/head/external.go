package head

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// External are NATS servers with JetStream that run already, and an account of theirs that one cluster has for itself.
// docs/nats.md says what they are to be like.
type External struct {
	URLs []string // tls://host:port, of each server
	CA   string   // PEM, of who vouches for their certificates. Defaults to the system's authorities

	// Key is what identities are signed by, the text of a file: the seed of the account's key; or that of a signing key
	// of the account's, which isn't scoped, and the account's public key.
	Key string

	// Login instead of Key is what everybody connects by, the text of a file of credentials or a line USER:PASSWORD. The
	// servers can't tell anybody from another then, so it needs SingleTenant.
	Login        string
	SingleTenant bool
}

// externalAge is how long JWTs are good for that the head can't revoke on the servers.
const externalAge = time.Hour

// Unprotected is what a cluster with one tenant lacks, for people.
const Unprotected = "whoever has joined it, users, nodes and drivers, connects as the same NATS user: " +
	"each can read, change and delete all jobs, speak as anybody, and can't be shut out but by another password"

// check refuses what can't work. It is nil for a server of the head's own.
func (e *External) check() error {
	if e == nil {
		return nil
	}
	if len(e.URLs) == 0 {
		return errors.New("which NATS servers? Give their URLs, such as tls://nats1:4222")
	}
	for _, text := range e.URLs {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Scheme != "tls" || u.Port() == "" || u.Path != "":
			return fmt.Errorf("NATS server %q: an address is written tls://HOST:PORT, and the connection is always encrypted", short(redact(text)))
		case u.User != nil:
			return errors.New("a password in a URL is seen by everybody on this machine: put USER:PASSWORD into a file, and give --nats-login FILE")
		}
	}
	switch {
	case e.Key == "" && e.Login == "":
		return errors.New("the head needs a key of its NATS account to sign identities with: give --signing-key FILE (docs/nats.md)")
	case e.Key != "" && e.Login != "":
		return errors.New("a signing key and a login: give the key alone, by which everybody has an identity")
	case e.Login != "" && !e.SingleTenant:
		return fmt.Errorf("without --signing-key nobody is protected from the others of this cluster: %s; "+
			"if all of them may, give --single-tenant", Unprotected)
	}
	return nil
}

// redact leaves out who connects.
func redact(text string) string {
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		if _, host, ok := strings.Cut(rest, "@"); ok {
			return scheme + "://" + host
		}
	}
	return text
}

// servers is what others need to know, nil for a server of the head's own.
func (e *External) servers() *join.Servers {
	if e == nil {
		return nil
	}
	return &join.Servers{CA: e.CA, Login: e.Login}
}

// openKeys gives the keys by which identities are signed. Without an account's key they mean nothing to servers; the head
// itself knows its own by them.
func (e *External) openKeys(dir string, now func() time.Time) (*keyring, error) {
	if e == nil {
		return openKeys(dir, now)
	}
	if e.Key == "" {
		k, err := openKeys(dir, now)
		if err == nil {
			k.external = true
		}
		return k, err
	}
	k := &keyring{now: now, age: externalAge, external: true}
	accountSeed, accountPublic := regexp.MustCompile(`\bSA[A-Z2-7]{56}\b`), regexp.MustCompile(`\bA[A-Z2-7]{55}\b`)
	var err error
	if k.account, err = nkeys.FromSeed([]byte(accountSeed.FindString(e.Key))); err != nil {
		return nil, errors.New("the signing key's file has no seed of an account's key (SA...): see docs/nats.md")
	}
	if k.accountID, err = k.account.PublicKey(); err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	for _, id := range accountPublic.FindAllString(e.Key, -1) {
		if id != k.accountID && nkeys.IsValidPublicAccountKey(id) { // not the seed's own, which may stand there too
			k.issuer, k.accountID = id, id
			break
		}
	}
	return k, nil
}

// external is a middleware of servers that aren't the head's own.
type external struct{ head *Head }

// findServer starts the head's own server, unless others are to be used.
func (h *Head) findServer(ctx context.Context) (middleware, error) {
	if h.cfg.NATS != nil {
		return &external{h}, nil
	}
	m, err := h.listen(ctx)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (e *external) addr() string { return strings.Join(e.head.cfg.NATS.URLs, ",") }
func (e *external) stop()        {}

// connect connects as all others do, by a key that is made anew at each start and known here only.
func (e *external) connect(ctx context.Context) (*nats.Conn, error) {
	h := e.head
	seed, public, err := join.NewKey()
	if err != nil {
		return nil, err
	}
	token, _, err := h.keys.sign(public, "head", roleHead, 0)
	if err != nil {
		return nil, err
	}
	conn, err := join.Connect(ctx, join.Identity{
		Cluster: h.settings.Cluster, Name: "head", Role: roleHead, URLs: h.cfg.NATS.URLs, Servers: h.cfg.NATS.servers(),
		CA: h.authority.pem(), JWT: token, Seed: seed,
	}, join.Options{Label: "muster head", Event: func(line string) { h.log.Warn(line) }})
	if err != nil {
		return nil, fmt.Errorf("use the NATS servers: %w", err)
	}
	return conn, nil
}

// update can't be done: only who may change the account's JWT can revoke a key. So JWTs are short-lived, and what a key
// may still do until then is for the head and for drivers to refuse.
func (e *external) update(map[string]time.Time, bool) error { return nil }

func (e *external) after(revoked []string) string {
	if e.head.cfg.NATS.Login != "" {
		return "whoever has the login of this cluster is still let in by the NATS servers: change it there"
	}
	return fmt.Sprintf("the NATS servers let in who has the key for at most %v more, until its JWT ends: "+
		"to shut it out at once, revoke %s in the account (docs/nats.md)", externalAge, strings.Join(revoked, ", "))
}

// connected asks the driver that has the key: servers say at once if nobody hears that.
func (e *external) connected(public string) bool {
	j, ok := e.head.jobs.byKey(public)
	if !ok {
		return false
	}
	for range connectedTries {
		err := within(e.head.ctx, connectedTime, func(ctx context.Context) error {
			_, err := e.head.ask(ctx, protocol.AskSubject(j.info.Job), protocol.AnswerAsk, j.info.Job, []byte("?"))
			return err
		})
		switch {
		case err == nil:
			return true
		case errors.Is(err, nats.ErrNoResponders):
			return false
		}
	}
	return true // unknown: then it isn't known to be gone
}

// A server may not know yet that another's client is gone, and sends it the first question.
const (
	connectedTime  = 250 * time.Millisecond
	connectedTries = 4
)
