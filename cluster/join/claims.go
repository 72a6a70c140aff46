package join

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// claims are the parts of a user JWT that its holder looks at. Whether it is genuine is the server's business.
type claims struct {
	NotBefore int64  `json:"nbf"` // seconds since 1970, as the other
	Expires   int64  `json:"exp"`
	Subject   string `json:"sub"` // the public key that it is for
	NATS      struct {
		Tags []string `json:"tags"`
	} `json:"nats"`
}

// Rules is a tag of the JWTs that heads sign: it is another whenever what identities may do is. Who holds one without it,
// which a head of an older version has signed, renews it.
const Rules = "rules-3"

func parseClaims(token string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("the JWT is damaged; join again")
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, fmt.Errorf("the JWT is damaged; join again: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("the JWT is damaged; join again: %w", err)
	}
	return c, nil
}

// Outdated reports whether a JWT was signed by other rules than this version's.
func Outdated(token string) bool {
	c, err := parseClaims(token)
	return err != nil || !slices.Contains(c.NATS.Tags, Rules)
}

// stale reports whether less than half of the JWT's life is left, or its rules are another version's.
func (c claims) stale(now time.Time) bool {
	return !slices.Contains(c.NATS.Tags, Rules) || c.Expires != 0 && now.Unix() > c.NotBefore+(c.Expires-c.NotBefore)/2
}

// valid says why a JWT can't be used now. Clocks that differ are a likely cause, so it prints both times.
func (c claims) valid(now time.Time) error {
	switch t := now.Unix(); {
	case t < c.NotBefore:
		return fmt.Errorf("the identity isn't valid before %s, and this machine's clock says %s: set the clock right",
			stamp(time.Unix(c.NotBefore, 0)), stamp(now))
	case c.Expires != 0 && t > c.Expires:
		return fmt.Errorf("the identity expired at %s, and this machine's clock says %s: if the clock is right, join again with a new token",
			stamp(time.Unix(c.Expires, 0)), stamp(now))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
