//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsServer starts a server that lets one user in, and gives its URL and its certificate, which vouches for itself.
func natsServer(t *testing.T) (url, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: "lab", Password: "secret", MaxPayload: 8 << 20, NoSigs: true, NoLog: true,
		TLSConfig:  &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		TLSTimeout: 5, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(watchdog) {
		t.Fatal("the NATS server doesn't start")
	}
	return "tls://" + ns.Addr().String(), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// muster up with NATS servers that run already: what it refuses, and what it tells.
func TestUpWithServers(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	url, ca := natsServer(t)
	for name, text := range map[string]string{"ca.pem": ca, "login": "lab:secret\n"} {
		if err := os.WriteFile(p.state(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(p.state("open"), []byte("lab:secret\n"), 0o644); err != nil { //nolint:gosec // that's the point
		t.Fatal(err)
	}
	up := func(args ...string) []string {
		return short(append([]string{"up", "--no-agent", "--nats", url, "--nats-ca", p.state("ca.pem")}, args...)...)
	}
	p.want(2, "are for --nats URL", "up", "--signing-key", p.state("login"))
	p.want(2, "leave out --addr and --sync", up("--addr", "127.0.0.1:0")...)
	p.want(1, "no such file", up("--signing-key", p.state("none"))...)
	p.want(1, "chmod 600", up("--nats-login", p.state("open"), "--single-tenant")...)
	p.want(1, "give --signing-key FILE", up()...)
	p.want(1, "if all of them may, give --single-tenant", up("--nats-login", p.state("login"))...)
	out := p.want(0, "with the NATS servers at "+url, up("--nats-login", p.state("login"), "--single-tenant")...)
	for _, words := range []string{"nobody is protected", "give --join-addr 0.0.0.0:4223 for others"} {
		if !strings.Contains(out, words) {
			t.Errorf("it doesn't say %q:\n%s", words, out)
		}
	}
	p.want(0, "no node", "nodes")
	p.want(0, "stopped the head", "down")
	p.want(1, "give --nats as before", short("up", "--no-agent")...)
}
