package remote

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/protocol"
)

// crowded is a cluster that has no place for a job for so many requests.
type crowded struct {
	Cluster

	left int
}

func (c *crowded) Ask(context.Context, string, any, any) error {
	if c.left == 0 {
		return nil
	}
	c.left--
	return &protocol.Refusal{Code: protocol.CodeQueued, Text: "the job waits for a place: all are taken"}
}

// A job waits for its place for as long as its context lets it, and says so once.
func TestWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notes []string
		c := Config{Cluster: &crowded{left: 100}, Note: func(text string) { notes = append(notes, text) }}
		if err := c.ask(t.Context(), nil, nil); err != nil {
			t.Error(err)
		}
		if len(notes) != 2 || notes[0] != "the job waits for a place: all are taken; it begins as soon as it has one" {
			t.Errorf("notes: %q", notes)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var refused *protocol.Refusal
		c.Cluster = &crowded{left: 1000}
		if err := c.ask(ctx, nil, nil); !errors.As(err, &refused) || refused.Code != protocol.CodeQueued {
			t.Error(err)
		}
	})
}
