package join

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// tls is how to tell whether one has got to the right servers.
func (id Identity) tls() (*tls.Config, error) {
	if id.Servers == nil {
		return pinned(id.Cluster, id.CA)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12} // and for the name in the URL
	if id.Servers.CA == "" {
		return c, nil
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM([]byte(id.Servers.CA)) {
		return nil, errors.New("the certificate authority of its NATS servers is damaged; join again")
	}
	return c, nil
}

// login is how the servers are to know who connects: by the JWT that k has, or if everybody has the same login, by that.
func (id Identity) login(k *keeper) (nats.Option, error) {
	if !id.shared() {
		return nats.UserJWT(k.jwt, k.sign), nil
	}
	return ParseLogin(id.Servers.Login)
}

// shared reports whether all of the cluster connect alike.
func (id Identity) shared() bool { return id.Servers != nil && id.Servers.Login != "" }

// ParseLogin reads the text of a file of credentials, as NATS has them, or of one with a line USER:PASSWORD.
func ParseLogin(text string) (nats.Option, error) {
	if token, err := nkeys.ParseDecoratedJWT([]byte(text)); err == nil && strings.HasPrefix(token, "eyJ") {
		pair, err := nkeys.ParseDecoratedUserNKey([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("the credentials have no key of a user: %w", err)
		}
		seed, err := pair.Seed()
		if err != nil {
			return nil, fmt.Errorf("the credentials have no key of a user: %w", err)
		}
		return nats.UserJWTAndSeed(token, string(seed)), nil
	}
	text = strings.TrimSpace(text)
	user, password, ok := strings.Cut(text, ":")
	if !ok || user == "" || strings.ContainsAny(text, "\n\r") {
		return nil, errors.New("credentials are a file that nsc has made (.creds), or a line USER:PASSWORD")
	}
	return nats.UserInfo(user, password), nil
}

// explain makes the line for who can't connect.
func (id Identity) explain(err error) error {
	what := "connect as " + id.String()
	if id.Servers == nil {
		return explain(what, id.URLs, err)
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	text := ""
	switch {
	case errors.As(err, &unknown), errors.As(err, &name):
		text = "the NATS server's certificate isn't for that name, or by an authority that isn't known: see --nats-ca of muster up"
	case refuses(err):
		text = "the NATS servers don't accept this identity: it was revoked, or their account doesn't have the key that has signed it"
	case errors.Is(err, nats.ErrNoServers), strings.Contains(err.Error(), "refused"):
		text = "nothing listens there: check that the NATS servers run, and their addresses"
	case errors.Is(err, nats.ErrSecureConnWanted):
		text = "that NATS server doesn't offer TLS: see docs/nats.md for its configuration"
	default:
		return explain(what, id.URLs, err)
	}
	return fmt.Errorf("%s at %s: %s: %w", what, strings.Join(id.URLs, ", "), text, err)
}
