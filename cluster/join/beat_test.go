package join

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// moves counts how often a connection was moved.
type moves struct {
	away bool
	n    int
}

func (m *moves) IsConnected() bool     { return !m.away }
func (m *moves) ForceReconnect() error { m.n++; return nil }

// A connection that hears nothing of the head is moved, and less and less often; one that hears it, or has none, isn't.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, told := &moves{}, 0
		p := &pulse{tell: func(string) { told++ }}
		after := func(d time.Duration, want int) {
			t.Helper()
			<-time.After(d) // virtual
			synctest.Wait()
			if m.n != want || told != want {
				t.Errorf("moved %d times and told %d times, want %d", m.n, told, want)
			}
		}
		p.begin(m)
		for range 30 {
			after(time.Second, 0)
			p.heard()
		}
		after(silence-time.Second, 0)
		after(2*time.Second, 1)
		p.moved()
		after(2*silence-time.Second, 1) // twice as patient
		after(2*time.Second, 2)
		<-time.After(time.Hour)
		synctest.Wait()
		if least := int(time.Hour / (mostSilence * 5 / 4)); m.n < least || m.n > int(time.Hour/mostSilence)+4 || m.n != told {
			t.Errorf("moved %d times in an hour, and told %d times", m.n, told)
		}
		m.n, told = 0, 0
		p.heard()
		after(silence+time.Second, 1)
		m.away = true
		after(time.Hour, 1)
		p.close()
		m.away = false
		after(time.Hour, 1)
		p.heard()
		p.begin(m)
		after(time.Hour, 1)
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
