package main

import (
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// A token is printed again as long as machines can join by it.
func TestTokenIsGood(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	at := []string{"10.0.0.5:4223"}
	token := join.Token{Addresses: at, CAHash: join.CAHash([]byte("x")), ID: "3fa91c22d0e4b716"}
	good := protocol.TokenInfo{Left: 1, Expires: now.Add(7 * time.Hour), Token: token.String()}
	if !isGood(good, at, now) {
		t.Error("a good one isn't")
	}
	for name, change := range map[string]func(*protocol.TokenInfo){
		"used up":     func(t *protocol.TokenInfo) { t.Left = 0 },
		"expires":     func(t *protocol.TokenInfo) { t.Expires = now.Add(5 * time.Hour) },
		"not there":   func(t *protocol.TokenInfo) { t.Token = "" },
		"not a token": func(t *protocol.TokenInfo) { t.Token = "x" },
	} {
		bad := good
		change(&bad)
		if isGood(bad, at, now) {
			t.Error(name, "is good")
		}
	}
	if isGood(good, []string{"10.0.0.6:4223"}, now) {
		t.Error("one of a head that has moved is good")
	}
}

// One is told of a head that other machines can't reach, before they try.
func TestReachable(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:4223": false, "[::1]:4223": false, "10.0.0.5:4223": true, "head.example.org:4223": true, "": true,
	} {
		if got := reachable(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
