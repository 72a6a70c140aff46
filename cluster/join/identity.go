package join

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/musterrun/muster/protocol"
)

// Identity is what a process needs to reach a cluster as somebody. It holds a secret, the Seed, which String and logs
// leave out. A job's identity is its owner's with Name, JWT and Seed replaced: see [Identity.As].
type Identity struct {
	Cluster string   `json:"cluster"`           // the cluster's id; its head's certificate is for [HeadName] of it
	Name    string   `json:"name"`              // WHO in control subjects: a user, node or job
	Role    string   `json:"role"`              // "admin", "user", "agent" or "job"
	URLs    []string `json:"urls"`              // tls://host:port, of the head or else of Servers
	Servers *Servers `json:"servers,omitempty"` // NATS servers that carry the messages; nil if the head does
	Join    []string `json:"join,omitempty"`    // host:port of HTTPS endpoints that renew the JWT
	CA      string   `json:"ca"`                // certificates of the head's authority, PEM
	JWT     string   `json:"jwt"`               // for the seed's public half
	Seed    string   `json:"seed"`              // an nkey's, of a user
	User    string   `json:"user,omitempty"`    // of a node: the user whose it is
	Comment string   `json:"comment,omitempty"` // for people
	Blobs   string   `json:"blobs,omitempty"`   // on the head's machine, for who has started it: the folder of its blobs
}

// Servers are NATS servers that aren't a head's own, as those who connect to them need to know them.
type Servers struct {
	CA    string `json:"ca,omitempty"`    // PEM, of who vouches for their certificates; "" for the system's authorities
	Login string `json:"login,omitempty"` // of a cluster with one tenant: what all connect by, a secret. See [ParseLogin]
}

// Roles.
const (
	RoleAdmin = "admin"
	RoleUser  = "user"
	RoleAgent = "agent"
	RoleJob   = "job"
)

// HeadName is the name that the certificate of a cluster's head is for, whatever addresses it has.
func HeadName(cluster string) string { return "head." + cluster + ".muster.internal" }

// InboxPrefix is what the subjects begin with on which somebody gets answers; nobody else may listen there.
func InboxPrefix(who string) string { return protocol.Inbox(who) }

// As is the identity of a job of this identity's owner.
func (id Identity) As(name, role, token, seed string) Identity {
	id.Name, id.Role, id.JWT, id.Seed = name, role, token, seed
	return id
}

// String names the identity without its secret.
func (id Identity) String() string { return id.Role + " " + id.Name + " of cluster " + id.Cluster }

// LogValue is String, so that no log has the secret.
func (id Identity) LogValue() slog.Value { return slog.StringValue(id.String()) }

// GoString is String.
func (id Identity) GoString() string { return id.String() }

// Save writes the identity to a file that only its owner may read, in a folder that only its owner may enter.
func (id Identity) Save(path string) error {
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return fmt.Errorf("save %s: %w", id, err)
	}
	if err := writePrivate(path, append(data, '\n')); err != nil {
		return fmt.Errorf("save %s: %w", id, err)
	}
	return nil
}

// Load reads an identity. A file that others than its owner may read is refused, except on Windows.
func Load(path string) (Identity, error) {
	var id Identity
	info, err := os.Stat(path)
	if err != nil {
		return id, fmt.Errorf("load identity: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return id, fmt.Errorf("load identity: others may read %s (mode %#o), which holds a secret: run chmod 600 %s, and replace it if they did",
			path, mode, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return id, fmt.Errorf("load identity: %w", err)
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return id, fmt.Errorf("load identity: %s is damaged; remove it and join again: %w", path, err)
	}
	if err := id.check(); err != nil {
		return id, fmt.Errorf("load identity: %s: %w", path, err)
	}
	return id, nil
}

func (id Identity) check() error {
	switch {
	case len(id.URLs) == 0:
		return errors.New("it has no address of a head; join again")
	case id.Name == "" || id.Cluster == "":
		return errors.New("it doesn't say who it is for; join again")
	case id.CA == "" || id.JWT == "" || id.Seed == "":
		return errors.New("it has no certificate, JWT or key; join again")
	}
	return nil
}

// writePrivate replaces a file at once: a reader sees the old content or the new.
func writePrivate(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // has mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
