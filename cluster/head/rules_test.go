package head

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/nats-io/jwt/v2"

	"github.com/musterrun/muster/cluster/join"
)

// TestRules fails when what identities may do changes and the name of the rules doesn't: agents and users of an older
// version would go on with JWTs by which they hear nothing.
func TestRules(t *testing.T) {
	const rules, want = "rules-3", "0382048ddaf9944e"
	var all []jwt.Permissions
	for _, role := range []string{join.RoleAdmin, join.RoleUser, join.RoleAgent, join.RoleJob} {
		all = append(all, permissions("who", role, 7))
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:8]); got != want || join.Rules != rules {
		t.Errorf("the permissions have the hash %s and the rules the name %s: give join.Rules another name, and note both here",
			got, join.Rules)
	}
}

// TestIdentityOfOtherRules: who has been signed by a head of another version asks for a new JWT.
func TestIdentityOfOtherRules(t *testing.T) {
	c := start(t, Config{})
	id := c.Admin()
	claims, err := jwt.DecodeUserClaims(id.JWT)
	if err != nil {
		t.Fatal(err)
	}
	claims.Tags.Remove(join.Rules)
	if id.JWT, err = claims.Encode(c.keys.account); err != nil {
		t.Fatal(err)
	}
	renewed := make(chan join.Identity, 1)
	conn, err := join.Connect(t.Context(), id, join.Options{Renewed: func(id join.Identity) { renewed <- id }})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if fresh := <-renewed; join.Outdated(fresh.JWT) || !join.Outdated(id.JWT) {
		t.Error("the new JWT has no other rules than the old one")
	}
}
