package join

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func someToken() Token {
	return Token{
		Addresses: []string{"127.0.0.1:7070", "[::1]:7070", "head.example:7"}, CAHash: CAHash([]byte("x")), ID: "0123456789abcdef",
		Secret: [16]byte([]byte("a secret of 16 b")),
	}
}

// What String gives, ParseToken reads, and nothing that differs in a character.
func TestToken(t *testing.T) {
	want := someToken()
	text := want.String()
	got, err := ParseToken("\t" + text + "\n")
	if err != nil || got.String() != text || len(got.Addresses) != 3 || got.CAHash != want.CAHash || got.Secret != want.Secret {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range len(text) {
		for _, c := range "Ax-_=" {
			if changed := text[:i] + string(c) + text[i+1:]; changed != text {
				if _, err := ParseToken(changed); err == nil {
					t.Errorf("%s is read", changed)
				}
			}
		}
		if _, err := ParseToken(text[:i]); err == nil {
			t.Errorf("%s is read", text[:i])
		}
	}
	for text, words := range map[string]string{
		"": "isn't a join token", "hello": "muster token new", "muster-": "cut short", text[:len(text)-5]: "altered or cut",
		text[:40] + " " + text[40:]: "other characters",
	} {
		_, err := ParseToken(text)
		oneLine(t, err, words)
		if err != nil && strings.Contains(err.Error(), "muster-A") {
			t.Errorf("%v repeats the token", err)
		}
	}
}

// Whatever a token is made of, reading it doesn't panic.
func TestAnyToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _ = ParseToken(tokenPrefix + rapid.StringMatching(`[A-Za-z0-9_-]*`).Draw(t, "text"))
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add(someToken().String())
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := ParseToken(s); err == nil && token.CAHash == "" {
			t.Error("a token without a hash")
		}
	})
}
