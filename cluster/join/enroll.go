package join

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"

	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/protocol"
)

// Paths of the head's HTTPS endpoint.
const (
	JoinPath  = "/v1/join"
	RenewPath = "/v1/renew"
)

// maxAnswer bounds what is read of an answer of the head's endpoint.
const maxAnswer = 1 << 20

// JoinRequest is posted to JoinPath, as JSON.
type JoinRequest struct {
	ID        string `json:"id"` // the token's
	Secret    string `json:"secret"`
	PublicKey string `json:"public_key"`
	Host      string `json:"host"`
	OS        string `json:"os"`
	Arch      string `json:"arch"`
	Major     int    `json:"major"` // of the protocol
	Minor     int    `json:"minor"`
}

// RenewRequest is posted to RenewPath. Signature is that of [RenewText] by the key, in base64. To repeat a request
// gives nothing away: what comes back is of use to the key's holder only.
type RenewRequest struct {
	PublicKey string `json:"public_key"`
	Signature string `json:"signature"`
}

// RenewText is what a key signs to have its JWT renewed.
func RenewText(cluster, publicKey string) []byte {
	return []byte("muster renew " + cluster + " " + publicKey)
}

// JoinAnswer answers both, with Refusal alone if it says no.
type JoinAnswer struct {
	Cluster string            `json:"cluster,omitempty"`
	Name    string            `json:"name,omitempty"`
	Role    string            `json:"role,omitempty"`
	User    string            `json:"user,omitempty"` // of a node: the user whose it is
	JWT     string            `json:"jwt,omitempty"`
	CA      string            `json:"ca,omitempty"`
	URLs    []string          `json:"urls,omitempty"`
	Servers *Servers          `json:"servers,omitempty"`
	Join    []string          `json:"join,omitempty"`
	Ages    protocol.Ages     `json:"ages,omitzero"`
	Refusal *protocol.Refusal `json:"refusal,omitempty"`
}

// NewKey makes a user's key pair: its seed, which stays here, and its public half.
func NewKey() (seed, public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	defer pair.Wipe()
	s, err := pair.Seed()
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	if public, err = pair.PublicKey(); err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	return string(s), public, nil
}

// Join exchanges a token for an identity. The key is made here. It takes 4 s at most, however many
// addresses the token has: each gets its part of what is left.
func Join(ctx context.Context, t Token) (Identity, error) {
	seed, request, err := newRequest()
	if err != nil {
		return Identity{}, err
	}
	request.ID, request.Secret = t.ID, hex.EncodeToString(t.Secret[:])
	var authority *x509.Certificate
	config := pinnedByHash(t.CAHash, func(c *x509.Certificate) { authority = c })
	answer, err := post(ctx, t.Addresses, config, JoinPath, request)
	if err != nil {
		return Identity{}, explain("join the cluster", t.Addresses, err)
	}
	answer.CA = encodePEM(authority) // not what was said: what was checked
	return answer.identity(seed)
}

// JoinNode makes this machine a node of the admin's who asks, without a token: one connection less, and nothing to use up.
// The key is made here.
func (c Control) JoinNode(ctx context.Context) (Identity, error) {
	seed, request, err := newRequest()
	if err != nil {
		return Identity{}, err
	}
	var answer JoinAnswer
	if err := c.Ask(ctx, protocol.OpJoinNode, request, &answer); err != nil {
		return Identity{}, err
	}
	return answer.identity(seed)
}

// newRequest asks to join by a new key, of which it gives the seed.
func newRequest() (seed string, r JoinRequest, err error) {
	r = JoinRequest{Host: "unknown", OS: runtime.GOOS, Arch: runtime.GOARCH, Major: protocol.Major, Minor: protocol.Minor}
	if host, err := os.Hostname(); err == nil {
		r.Host = host
	}
	seed, r.PublicKey, err = NewKey()
	return seed, r, err
}

// identity is what one has become by joining with a key.
func (a *JoinAnswer) identity(seed string) (Identity, error) {
	id := Identity{
		Cluster: a.Cluster, Name: a.Name, Role: a.Role, URLs: a.URLs, Servers: a.Servers, Join: a.Join,
		CA: a.CA, JWT: a.JWT, Seed: seed, User: a.User,
	}
	return id, id.check()
}

// Renew is the identity with a new JWT and the head's present addresses.
func Renew(ctx context.Context, id Identity) (Identity, error) {
	c, err := parseClaims(id.JWT)
	if err != nil {
		return id, err
	}
	config, err := pinned(id.Cluster, id.CA)
	if err != nil {
		return id, err
	}
	signature, err := sign(id.Seed, RenewText(id.Cluster, c.Subject))
	if err != nil {
		return id, fmt.Errorf("renew %s: %w", id, err)
	}
	answer, err := post(ctx, id.Join, config, RenewPath, RenewRequest{
		PublicKey: c.Subject, Signature: base64.StdEncoding.EncodeToString(signature),
	})
	if err != nil {
		return id, explain("renew "+id.String(), id.Join, err)
	}
	id.JWT, id.URLs, id.Servers, id.Join, id.User = answer.JWT, answer.URLs, answer.Servers, answer.Join, answer.User
	return id, id.check()
}

// post asks the addresses one after the other until one answers. A refusal is an answer.
func post(ctx context.Context, addresses []string, config *tls.Config, path string, request any) (JoinAnswer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return JoinAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	var failed error
	for i, a := range addresses {
		answer, err := postTo(ctx, len(addresses)-i, a, config, path, body)
		if err == nil && answer.Refusal != nil {
			return answer, answer.Refusal
		}
		if err == nil {
			return answer, nil
		}
		if failed == nil {
			failed = err // the others as a rule say the same, and the line is long enough
		}
	}
	return JoinAnswer{}, failed
}

// postTo asks the first of so many addresses that share the time there is.
func postTo(ctx context.Context, share int, address string, config *tls.Config, path string, body []byte) (JoinAnswer, error) {
	var answer JoinAnswer
	ctx, cancel := partOf(ctx, share)
	defer cancel()
	transport := &http.Transport{
		TLSClientConfig: config, DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext,
	} // and no proxy: the head isn't on the web
	client := &http.Client{Transport: transport}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	switch {
	case err != nil && isNATS(err):
		return answer, errClusterPort
	case err != nil:
		return answer, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return answer, err
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, fmt.Errorf("what listens at %s isn't a head (status %s): check the port", address, resp.Status)
	}
	return answer, nil
}
