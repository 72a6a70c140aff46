package head

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/musterrun/muster/cluster/join"
)

const (
	backDate     = time.Hour // how far others' clocks may be behind
	authorityAge = 20 * 365 * 24 * time.Hour
	serverAge    = 365 * 24 * time.Hour
	renewBefore  = 30 * 24 * time.Hour
)

// authority is the cluster's own certificate authority, and the head's certificate, which it renews by itself.
type authority struct {
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	cluster string
	hosts   []string
	now     func() time.Time

	mu     sync.Mutex
	server *tls.Certificate
}

// openAuthority reads the authority from its folder, or makes it. The certificate for the head is made anew at each
// start, since it costs nothing and hosts may have changed.
func openAuthority(dir, cluster string, hosts []string, now func() time.Time) (*authority, error) {
	a := &authority{cluster: cluster, now: now, hosts: hosts}
	path := filepath.Join(dir, "ca.pem")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = a.make(); err == nil {
			err = writeFile(path, data)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the cluster's certificate authority: %w", err)
	}
	if err := a.parse(data); err != nil {
		return nil, fmt.Errorf("open the cluster's certificate authority: %s is damaged; restore it from a copy: %w", path, err)
	}
	_, err = a.certificate(nil)
	return a, err
}

func (a *authority) make() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := a.template("muster cluster "+a.cluster, authorityAge)
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	), nil
}

func (a *authority) parse(data []byte) error {
	certBlock, rest := pem.Decode(data)
	keyBlock, _ := pem.Decode(rest)
	if certBlock == nil || keyBlock == nil {
		return errors.New("it must have a certificate and a key")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return err
	}
	a.cert = cert
	var ok bool
	if a.key, ok = key.(*ecdsa.PrivateKey); !ok {
		return errors.New("its key is of another kind")
	}
	return nil
}

func (a *authority) template(name string, age time.Duration) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		serial = big.NewInt(1) // crypto/rand doesn't fail
	}
	now := a.now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-backDate), NotAfter: now.Add(age),
	}
}

// pem is the authority's certificate, without its key.
func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// tlsConfig is for the head's servers.
func (a *authority) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: a.certificate}
}

// clientConfig is for the head's own connection.
func (a *authority) clientConfig() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, ServerName: join.HeadName(a.cluster), Time: a.now}
}

// certificate is the head's, made anew when it is about to expire. The authority's stands behind it, for those who join.
func (a *authority) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil && a.now().Before(a.server.Leaf.NotAfter.Add(-renewBefore)) {
		return a.server, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the head's certificate: %w", err)
	}
	t := a.template("muster head", serverAge)
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.DNSNames = []string{join.HeadName(a.cluster), "localhost"}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	for _, h := range a.hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("make the head's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the head's certificate: %w", err)
	}
	a.server = &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	return a.server, nil
}
