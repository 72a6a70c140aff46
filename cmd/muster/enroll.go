package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

// enroll makes this machine a node of the cluster that r reaches, unless it is one.
func enroll(ctx context.Context, r *reach, state daemon.Folder) error {
	id, err := join.Load(identityFile(state))
	switch {
	case err == nil && id.Cluster == r.id.Cluster:
		return nil
	case err == nil:
		return fmt.Errorf("this machine is a node of cluster %s: have it leave with muster leave, or give another folder by --state", id.Cluster)
	case !isGone(err):
		return err
	}
	if id, err = r.JoinNode(ctx); err != nil {
		return err
	}
	return id.Save(identityFile(state))
}

// beginAgent begins an agent's process, which waits until this machine is a node.
func beginAgent(state daemon.Folder, f *agentFlags) (*daemon.Begun, error) {
	return state.Begin(serviceAgent, append([]string{"serve", serviceAgent, "--" + flagHeld, "--state=" + string(state)}, f.args()...)...)
}

// look is how often the head is asked whether it has heard of a node.
const look = 20 * time.Millisecond

// awaitNode waits until the head has heard of this machine's agent.
func awaitNode(ctx context.Context, r *reach, state daemon.Folder) error {
	id, err := join.Load(identityFile(state))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, seen)
	defer cancel()
	again := time.NewTicker(look)
	defer again.Stop()
	for {
		var nodes []protocol.NodeInfo
		if err := r.Ask(ctx, protocol.OpListNodes, nil, &nodes); err != nil {
			return err
		}
		for _, n := range nodes {
			if n.Node == id.Name && n.Alive {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("the agent runs, and the head hasn't heard of it after %v: look at %s", seen, state.LogFile(serviceAgent))
		}
	}
}

// awaitOwn does that as the node itself, so that who has joined finds it among the nodes.
func awaitOwn(ctx context.Context, state daemon.Folder) error {
	r, err := dialAgent(ctx, state)
	if err != nil {
		return err
	}
	defer r.Conn.Close()
	return awaitNode(ctx, r, state)
}

// dialAgent connects as the node that this machine is.
func dialAgent(ctx context.Context, state daemon.Folder) (*reach, error) {
	id, err := join.Load(identityFile(state))
	if err != nil {
		return nil, err
	}
	conn, err := join.Connect(ctx, id, join.Options{Label: "muster, the command"})
	if err != nil {
		return nil, err
	}
	return &reach{join.Control{Conn: conn, Who: id.Name}, "", id}, nil
}

// forget removes a machine's identity, and what it gave.
func forget(state daemon.Folder) error {
	var errs []error
	for _, name := range []string{givenFile(state), identityFile(state)} {
		if err := os.Remove(name); err != nil && !isGone(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
