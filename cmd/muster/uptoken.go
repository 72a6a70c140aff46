package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

// worthPrinting is how long a token must still be good for, to be printed again.
const worthPrinting = 6 * time.Hour

// upToken is the join token that muster up prints: the one that it printed before, if machines can still join by that.
// The head has hashes of tokens only, so this one is kept in its folder, beside the keys that may make others.
func upToken(ctx context.Context, r *reach, state daemon.Folder) (protocol.TokenInfo, error) {
	var before, fresh protocol.TokenInfo
	name := filepath.Join(string(state), serviceHead, "keys", "up-token.json")
	if data, err := os.ReadFile(name); err == nil {
		_ = json.Unmarshal(data, &before) // else there is none
	}
	var all []protocol.TokenInfo
	if err := r.Ask(ctx, protocol.OpListTokens, nil, &all); err != nil {
		return fresh, err
	}
	if i := slices.IndexFunc(all, func(t protocol.TokenInfo) bool { return t.ID == before.ID && t.ID != "" }); i >= 0 {
		token := before.Token
		before = all[i]
		before.Token = token
		if isGood(before, r.id.Join, time.Now()) {
			return before, nil
		}
		if err := r.Ask(ctx, protocol.OpDropToken, protocol.TokenID{ID: before.ID}, nil); err != nil {
			return fresh, err
		}
	}
	if err := r.Ask(ctx, protocol.OpNewToken, protocol.NewToken{Role: join.RoleAgent, Uses: tokenUses}, &fresh); err != nil {
		return fresh, err
	}
	data, err := json.Marshal(fresh)
	if err == nil {
		err = os.WriteFile(name, data, 0o600)
	}
	if err != nil {
		err = fmt.Errorf("keep the join token: %w", err)
	}
	return fresh, err
}

// isGood reports whether a token may be given to others: for long enough, at the addresses where the head is.
func isGood(t protocol.TokenInfo, addresses []string, now time.Time) bool {
	parsed, err := join.ParseToken(t.Token)
	return err == nil && slices.Equal(parsed.Addresses, addresses) && t.Left > 0 && t.Expires.Sub(now) > worthPrinting
}
