package head

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// insecure is for what doesn't care who answers.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} } //nolint:gosec // that is what is tested

// clock is a head's clock that a test sets.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// refusedJoin expects a refusal of a token with these words.
func (c *cluster) refusedJoin(token join.Token, words string) {
	c.t.Helper()
	_, err := join.Join(c.t.Context(), token)
	if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
		c.t.Errorf("joined with %v, want an error with %q", err, words)
	}
}

// Tokens are good for so long and so often, in the cluster that made them.
func TestTokens(t *testing.T) {
	ours := &clock{}
	c, other := start(t, Config{Now: ours.now}), start(t, Config{})
	made := func(in protocol.NewToken) join.Token {
		t.Helper()
		token, info, err := c.NewToken(in)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := join.ParseToken(" " + info.Token + "\n")
		if err != nil || parsed.String() != token.String() {
			t.Fatalf("%v isn't %v: %v", parsed, token, err)
		}
		return parsed
	}
	twice := made(protocol.NewToken{Role: join.RoleAgent, Uses: 2})
	first, err := join.Join(t.Context(), twice)
	if err != nil {
		t.Fatal(err)
	}
	second, err := join.Join(t.Context(), twice)
	if err != nil || first.Name == second.Name {
		t.Fatalf("%v and %v have joined: %v", first, second, err)
	}
	c.refusedJoin(twice, "used as often as it may be")
	c.log.await(t, "refused a request to join", "used as often")

	wrong := made(protocol.NewToken{Role: join.RoleAgent})
	wrong.Secret[3]++
	c.refusedJoin(wrong, "no such join token")
	wrong.Secret[3]--
	foreign := wrong
	foreign.Addresses = []string{other.JoinAddr()}
	c.refusedJoin(foreign, "another cluster")
	foreign.Addresses = []string{c.Addr()}
	c.refusedJoin(foreign, "cluster port is there, not its join port")
	old := made(protocol.NewToken{Role: join.RoleUser, User: "ann", Life: time.Hour})
	ours.forward(2 * time.Hour)
	c.refusedJoin(old, "expired at")
	removed := made(protocol.NewToken{Role: join.RoleAgent})
	admin := c.connect(c.Admin())
	admin.ask(protocol.OpDropToken, protocol.TokenID{ID: removed.ID}, nil)
	c.refusedJoin(removed, "no such join token")
	admin.refused(protocol.CodeUnknown, protocol.OpDropToken, protocol.TokenID{ID: removed.ID})
	var all []protocol.TokenInfo
	admin.ask(protocol.OpListTokens, nil, &all)
	if len(all) != 3 || all[0].Token != "" {
		t.Errorf("tokens %+v", all)
	}
}

// Bad requests for tokens are refused, each with a line.
func TestBadTokens(t *testing.T) {
	c := start(t, Config{})
	admin := c.connect(c.Admin())
	for _, in := range []protocol.NewToken{
		{Role: "king"}, {Role: join.RoleUser}, {Role: join.RoleUser, User: "head"}, {Role: join.RoleUser, User: "a.b"},
		{Role: join.RoleUser, User: "*"}, {Role: join.RoleUser, User: newID("n")}, {Role: join.RoleUser, User: newID("j")},
		{Role: join.RoleAgent, Uses: -1}, {Role: join.RoleAgent, Life: 1 << 60}, {Role: join.RoleAgent, Life: -1},
	} {
		admin.refused(protocol.CodeMalformed, protocol.OpNewToken, in)
	}
	var info protocol.TokenInfo
	admin.ask(protocol.OpNewToken, protocol.NewToken{Role: join.RoleUser, User: "ann"}, &info)
	if _, err := join.ParseToken(info.Token); err != nil {
		t.Error(err)
	}
	data := fmt.Sprint(c.tokens.all[info.ID])
	token, _ := join.ParseToken(info.Token)
	if strings.Contains(data, fmt.Sprintf("%x", token.Secret)) {
		t.Error("the secret is kept")
	}
}

// An admin makes a node without a token, by a key that nobody has yet. It is the admin's.
func TestJoinNode(t *testing.T) {
	c := start(t, Config{})
	admin := c.connect(c.Admin())
	id, err := admin.JoinNode(t.Context())
	if err != nil || id.Role != join.RoleAgent || id.User != firstAdmin || id.CA != c.authority.pem() {
		t.Fatalf("%v, of %s: %v", id, id.User, err)
	}
	node := c.connect(id)
	node.ask(protocol.OpReportNode, protocol.NodeInfo{Node: id.Name, Major: protocol.Major, Minor: protocol.Minor}, nil)
	if owner, ok := c.identities.owner(id.Name); !ok || owner != firstAdmin {
		t.Errorf("the node is %q's", owner)
	}
	again := join.JoinRequest{PublicKey: publicOf(t, node), Major: protocol.Major, Minor: protocol.Minor}
	admin.refused(protocol.CodeMalformed, protocol.OpJoinNode, again)
	admin.refused(protocol.CodeVersion, protocol.OpJoinNode, join.JoinRequest{Major: protocol.Major + 1})
	if all := c.tokens.list(); len(all) != 0 {
		t.Errorf("tokens %+v", all)
	}
}

// The endpoint bears nonsense, and doesn't hear for long who sends it.
func TestEndpoint(t *testing.T) {
	c := start(t, Config{})
	transport := &http.Transport{TLSClientConfig: insecure()}
	defer transport.CloseIdleConnections()
	post := func(path string, body io.Reader) (int, string) {
		t.Helper()
		resp, err := (&http.Client{Transport: transport}).Post("https://"+c.JoinAddr()+path, "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(data)
	}
	for path, want := range map[string]int{"/": 404, "/v1/join/x": 404, "/v2/join": 404} {
		if got, _ := post(path, nil); got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
	for _, body := range []string{"", "{", "[]", `{"id":7}`, `{}`, `{"major":1}`, `{"major":99}`, `{"major":1,"public_key":"UABC"}`} {
		if status, answer := post(join.JoinPath, strings.NewReader(body)); status != 403 || !strings.Contains(answer, `"refusal"`) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	_, answer := post(join.JoinPath, bytes.NewReader(make([]byte, maxJoinBody+1)))
	if !strings.Contains(answer, "makes no sense") {
		t.Errorf("a large body: %s", answer)
	}
	for range maxFailures {
		_, answer = post(join.RenewPath, strings.NewReader(`{"public_key":"x"}`))
	}
	if !strings.Contains(answer, "too many failures") {
		t.Errorf("after many failures: %s", answer)
	}
}
