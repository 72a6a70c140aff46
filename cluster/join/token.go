package join

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"strings"
)

// Token is what lets a machine or a user join: where, whom to trust, and a secret that the head knows the hash of.
type Token struct {
	Addresses []string // host:port of the head's join endpoint, any of them
	CAHash    string   // SHA-256 of the authority's certificate, in hexadecimal digits
	ID        string   // 16 hexadecimal digits
	Secret    [16]byte
}

const (
	tokenPrefix  = "muster-"
	tokenVersion = 1
	tokenFixed   = 1 + 32 + 8 + 16 // version, hash, id, secret; then the addresses
	tokenSum     = 4               // a checksum, so that a slip is told from a refusal
)

// String is the token as people pass it on. It contains the secret.
func (t Token) String() string {
	data := []byte{tokenVersion}
	for _, s := range []string{t.CAHash, t.ID} {
		b, err := hex.DecodeString(s)
		if err != nil {
			return "" // only a token that ParseToken or the head didn't make
		}
		data = append(data, b...)
	}
	data = append(data, t.Secret[:]...)
	data = append(data, strings.Join(t.Addresses, ",")...)
	data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(data))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(data)
}

// GoString leaves out the secret.
func (t Token) GoString() string { return "token " + t.ID }

// ParseToken reads a token, with or without space around it.
func ParseToken(s string) (Token, error) {
	var t Token
	text, ok := strings.CutPrefix(strings.TrimSpace(s), tokenPrefix)
	if !ok {
		return t, errors.New("that isn't a join token: one begins with " + tokenPrefix + "; make one with muster token new")
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) < tokenFixed+tokenSum {
		return t, errors.New("the join token is cut short or has other characters in it: copy all of it")
	}
	body, sum := data[:len(data)-tokenSum], data[len(data)-tokenSum:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return t, errors.New("the join token has been altered or cut: copy all of it")
	}
	if body[0] != tokenVersion {
		return t, fmt.Errorf("the join token is of version %d, and this muster knows %d: use the muster of the cluster", body[0], tokenVersion)
	}
	t.CAHash = hex.EncodeToString(body[1:33])
	t.ID = hex.EncodeToString(body[33:41])
	copy(t.Secret[:], body[41:])
	t.Addresses = strings.Split(string(body[tokenFixed:]), ",")
	for _, a := range t.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return t, fmt.Errorf("the join token has a wrong address: %w", err)
		}
	}
	return t, nil
}

// LogValue is GoString, so that no log has the secret.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.GoString()) }
