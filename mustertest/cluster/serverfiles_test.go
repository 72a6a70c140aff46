package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// documented is the configuration file of docs/nats.md.
func documented(t testing.TB) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "nats.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "<!-- nats.conf -->\n```\n")
	text, _, ends := strings.Cut(text, "\n```")
	if !ok || !ends {
		t.Fatal("docs/nats.md has no configuration file")
	}
	return text
}

// configure writes each server's configuration: that of the documentation, but for names, ports and folders, since all of
// them are on one machine.
func (s *Servers) configure(text string) (clients [serverCount]string) {
	s.t.Helper()
	ports := freePorts(s.t, 2*serverCount)
	s.routes = ports[serverCount:]
	for i := range s.configs {
		clients[i] = ports[i]
		dir := filepath.Join(s.dir, "nats"+strconv.Itoa(i+1))
		s.must(os.Mkdir(dir, 0o700))
		mine := text
		for _, r := range [][2]string{
			{"server_name: nats1", "server_name: " + filepath.Base(dir)},
			{"0.0.0.0:4222", "127.0.0.1:" + ports[i]},
			{"0.0.0.0:6222", "127.0.0.1:" + ports[serverCount+i]},
			{"tls://nats1:6222", "tls://127.0.0.1:" + ports[serverCount]},
			{"tls://nats2:6222", "tls://127.0.0.1:" + ports[serverCount+1]},
			{"tls://nats3:6222", "tls://127.0.0.1:" + ports[serverCount+2]},
			{"/etc/nats/", s.dir + "/"},
			{"/var/lib/nats", filepath.Join(dir, "store")},
			{"include resolver.conf", "include ../resolver.conf"},
		} {
			if !strings.Contains(mine, r[0]) {
				s.t.Fatalf("the configuration in docs/nats.md has no %q: change this test with it", r[0])
			}
			mine = strings.ReplaceAll(mine, r[0], r[1])
		}
		s.configs[i] = filepath.Join(dir, "nats.conf")
		s.must(os.WriteFile(s.configs[i], []byte(mine), 0o600))
	}
	return clients
}

// freePorts are some that nobody listens at, below those that the system gives out by itself.
func freePorts(t testing.TB, n int) (ports []string) {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(12_000 + mathrand.N(20_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		defer l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no ports are free")
	return nil
}

// makeKeys makes an operator, a system account and one for the cluster with a signing key, and resolver.conf as nsc does.
func (s *Servers) makeKeys() error {
	operator, err := nkeys.CreateOperator()
	account, err2 := nkeys.CreateAccount()
	system, err3 := nkeys.CreateAccount()
	var err4 error
	s.account, err4 = nkeys.CreateAccount()
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	public := func(k nkeys.KeyPair) string { p, _ := k.PublicKey(); return p }
	s.accountID = public(account)
	o := jwt.NewOperatorClaims(public(operator))
	o.SystemAccount = public(system)
	a := jwt.NewAccountClaims(s.accountID)
	a.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	a.SigningKeys.Add(public(s.account))
	y := jwt.NewAccountClaims(o.SystemAccount)
	var texts [3]string
	for i, c := range []jwt.Claims{o, a, y} {
		if texts[i], err = c.Encode(operator); err != nil {
			return err
		}
	}
	conf := fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n",
		texts[0], o.SystemAccount, s.accountID, texts[1], o.SystemAccount, texts[2])
	return os.WriteFile(filepath.Join(s.dir, "resolver.conf"), []byte(conf), 0o600)
}

// makeCertificates makes an authority, and a certificate of it for this machine.
func makeCertificates(dir string) (ca string, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err, err2); err != nil {
		return "", err
	}
	template := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}
	}
	authority, leaf := template("NATS of muster", 1), template("nats", 2)
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	caDER, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	der, err2 := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), caKey)
	keyDER, err3 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err, err2, err3); err != nil {
		return "", err
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	ca = string(block("CERTIFICATE", caDER))
	return ca, errors.Join(
		os.WriteFile(filepath.Join(dir, "ca.pem"), []byte(ca), 0o600),
		os.WriteFile(filepath.Join(dir, "server.pem"), block("CERTIFICATE", der), 0o600),
		os.WriteFile(filepath.Join(dir, "server-key.pem"), block("PRIVATE KEY", keyDER), 0o600),
	)
}
