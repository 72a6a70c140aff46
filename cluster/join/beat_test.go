package join

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// moves counts how often a connection was moved.
type moves struct {
	away atomic.Bool
	n    atomic.Int64
}

func (m *moves) IsConnected() bool     { return !m.away.Load() }
func (m *moves) ForceReconnect() error { m.n.Add(1); return nil }

// A connection that hears nothing of the head is moved, and less and less often; one that hears it, or has none, isn't.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, told := &moves{}, atomic.Int64{}
		p := &pulse{tell: func(string) { told.Add(1) }}
		after := func(d time.Duration, least, most int64) {
			t.Helper()
			<-time.After(d) // virtual
			synctest.Wait()
			if n := m.n.Swap(0); n < least || n > most || told.Swap(0) != n {
				t.Errorf("moved %d times in %v, want %d to %d", n, d, least, most)
			}
		}
		p.begin(m)
		for range 30 {
			after(time.Second, 0, 0)
			p.heard()
		}
		after(silence-time.Second, 0, 0)
		after(2*time.Second, 1, 1)
		p.moved()
		after(2*silence-time.Second, 0, 0) // twice as patient
		after(2*time.Second, 1, 1)
		after(time.Hour, int64(time.Hour/(mostSilence*5/4)), int64(time.Hour/mostSilence)+4) // up to a quarter more is chance
		p.heard()
		after(silence+time.Second, 1, 1)
		m.away.Store(true)
		after(time.Hour, 0, 0)
		p.close()
		m.away.Store(false)
		after(time.Hour, 0, 0)
		p.heard()
		p.begin(m)
		after(time.Hour, 0, 0)
	})
}

// What a file of credentials may be.
func TestParseLogin(t *testing.T) {
	creds := "-----BEGIN NATS USER JWT-----\neyJ0.eyJ1.x\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n"
	seed, _, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"ann:a:b\n": "ann", "ann": "", ":x": "", "a:b\nc:d\n": "", "": "",
		creds + seed + "\n------END USER NKEY SEED------\n": "jwt", creds: "",
	} {
		option, err := ParseLogin(text)
		if err != nil {
			if want != "" || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		var o nats.Options
		if err := option(&o); err != nil {
			t.Fatal(err)
		}
		got := o.User
		if o.UserJWT != nil {
			got = "jwt"
		}
		if got != want || want == "" {
			t.Errorf("%q: as %q, want %q", text, got, want)
		}
	}
}
