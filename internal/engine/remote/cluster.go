package remote

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
)

// User is a Cluster that is reached by an identity.
type User struct {
	join.Control
	id    join.Identity
	event func(string)
}

// Dial connects as a user. Event is told of the connection's losses and returns, a line each; nil for nobody.
func Dial(ctx context.Context, id join.Identity, event func(string)) (*User, error) {
	conn, err := join.Connect(ctx, id, join.Options{Event: event})
	if err != nil {
		return nil, err
	}
	return &User{join.Control{Conn: conn, Who: id.Name}, id, event}, nil
}

// Connect connects as a job of the user's.
func (u *User) Connect(ctx context.Context, job, jwt, seed string) (*nats.Conn, Control, error) {
	conn, err := join.Connect(ctx, u.id.As(job, join.RoleJob, jwt, seed), join.Options{Event: u.event})
	if err != nil {
		return nil, nil, err
	}
	return conn, join.Control{Conn: conn, Who: job}, nil
}

// Close closes the user's connection. Jobs that were opened go on.
func (u *User) Close() { u.Conn.Close() }
