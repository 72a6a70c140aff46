package join

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// pinned is the TLS configuration that accepts the heads of one cluster, at whatever address.
func pinned(cluster, ca string) (*tls.Config, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca)) {
		return nil, errors.New("the identity's certificate authority is damaged; join again")
	}
	return &tls.Config{RootCAs: roots, ServerName: HeadName(cluster), MinVersion: tls.VersionTLS13}, nil
}

// CAHash names a certificate authority in tokens: SHA-256 of its certificate, in hexadecimal digits.
func CAHash(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// errForeign is what a server gets that isn't of the token's cluster.
var errForeign = errors.New("its certificate isn't of the token's cluster")

// pinnedByHash is the TLS configuration of who knows only the hash of the authority's certificate. The server sends
// that certificate behind its own; found is called with it once the handshake has proved that it signed the server's.
func pinnedByHash(hash string, found func(*x509.Certificate)) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it instead: the authority comes with the handshake
		VerifyConnection: func(s tls.ConnectionState) error {
			for _, c := range s.PeerCertificates[1:] {
				if c.IsCA && CAHash(c.Raw) == hash {
					roots := x509.NewCertPool()
					roots.AddCert(c)
					// Without a name: the authority makes certificates for heads only.
					_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots})
					if err == nil {
						found(c)
					}
					return err
				}
			}
			return errForeign
		},
	}
}

func encodePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// explainCertificate is one line for an error of TLS, if it is one.
func explainCertificate(err error) (string, bool) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown), errors.As(err, &name), errors.Is(err, errForeign):
		return "it is a head of another cluster: use that cluster's context or token, or another address", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		c := invalid.Cert
		return fmt.Sprintf("its certificate is valid from %s to %s, and the clock here says %s: set the clocks right on both machines",
			stamp(c.NotBefore), stamp(c.NotAfter), stamp(time.Now())), true
	}
	return "", false
}
