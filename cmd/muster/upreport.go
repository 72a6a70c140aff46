package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

// tokenUses is how many machines the token of muster up is for.
const tokenUses = 10

// upJSON is what muster up has to say, as programs read it. It contains a secret, the token.
type upJSON struct {
	Cluster string             `json:"cluster"`
	Addr    string             `json:"addr"`
	Join    string             `json:"join"`
	Token   string             `json:"token"`
	Expires time.Time          `json:"expires"`
	Uses    int                `json:"uses"`
	Context string             `json:"context"`
	State   string             `json:"state"`
	Already bool               `json:"already"` // it ran before
	Head    daemon.Record      `json:"head"`
	Agent   *daemon.Record     `json:"agent,omitempty"`
	Logs    map[string]string  `json:"logs"`
	Node    *protocol.NodeInfo `json:"node,omitempty"`
	nodes   []protocol.NodeInfo
}

// report says what runs, how others join, and how to stop it.
func (f *upFlags) report(cmd *cobra.Command, state daemon.Folder, already bool) error {
	up, err := describeUp(cmd.Context(), state)
	if err != nil {
		return err
	}
	up.Already = already
	if *f.asJSON {
		return printJSON(cmd.OutOrStdout(), up)
	}
	up.print(cmd.OutOrStdout(), *f.state)
	return nil
}

func describeUp(ctx context.Context, state daemon.Folder) (*upJSON, error) {
	up := &upJSON{State: string(state), Logs: map[string]string{serviceHead: state.LogFile(serviceHead)}}
	var err error
	if up.Head, _, err = state.Running(serviceHead); err != nil {
		return nil, err
	}
	up.Cluster, up.Addr, up.Join = up.Head.About[aboutCluster], up.Head.About[aboutAddr], up.Head.About[aboutJoin]
	up.Context = up.Head.About[aboutContext]
	agent, running, err := state.Running(serviceAgent)
	if err != nil {
		return nil, err
	}
	if running {
		up.Agent, up.Logs[serviceAgent] = &agent, state.LogFile(serviceAgent)
	}
	r, err := dialHead(ctx, state)
	if err != nil {
		return nil, err
	}
	defer r.Conn.Close()
	if err := restoreContext(r); err != nil {
		return nil, err
	}
	if err := r.Ask(ctx, protocol.OpListNodes, nil, &up.nodes); err != nil {
		return nil, err
	}
	for i := range up.nodes {
		if n := &up.nodes[i]; running && n.Node == agent.About[aboutNode] {
			up.Node = n
		}
	}
	token, err := upToken(ctx, r, state)
	up.Token, up.Expires, up.Uses = token.Token, token.Expires, token.Left
	return up, err
}

func (up *upJSON) print(w io.Writer, stateFlag string) {
	verb := "is up"
	if up.Already {
		verb = "was up already"
	}
	at, listen := "its head at "+up.Addr, listenFlag
	if strings.Contains(up.Addr, "://") {
		at, listen = "with the NATS servers at "+up.Addr+", its head", listenJoinFlag
	}
	fmt.Fprintf(w, "the cluster %s %s, %s (process %d)\n", up.Cluster, verb, at, up.Head.PID)
	if up.Agent != nil && up.Node != nil {
		more := gives(*up.Node)
		if more != "" {
			more = ", " + more
		}
		fmt.Fprintf(w, "this machine gives %s and %s%s (process %d)\n", cpus(up.Node.CPUs), size(up.Node.Memory), more, up.Agent.PID)
	}
	if alive := countAlive(up.nodes); alive > 1 || alive == 1 && up.Agent == nil {
		fmt.Fprintf(w, "it has %s\n", plural(alive, "node"))
	}
	fmt.Fprintf(w, "\nanother machine joins by (%d of them until %s):\n  muster join %s--token %s\n",
		up.Uses, up.Expires.Local().Format(time.DateTime), up.joinAddress(), up.Token)
	if !reachable(up.Join) {
		fmt.Fprintln(w, "  "+onlyHere(listen))
	}
	fmt.Fprintln(w, "run a program on it by:\n  muster run PACKAGE")
	if at := up.Head.About[aboutMetrics]; at != "" {
		fmt.Fprintf(w, "Prometheus reads its metrics at:\n  https://%s/metrics, with the token in %s\n", at,
			filepath.Join(up.State, "head", "metrics", "token"))
	}
	down := "muster down"
	if stateFlag != "" {
		down += " --state " + stateFlag
	}
	if up.Head.Foreground {
		down += ", or Ctrl-C there"
	}
	fmt.Fprintf(w, "stop it by:\n  %s\n", down)
}

// The flags by which a head can be reached from other machines: one that is the NATS server itself, and one that isn't.
const (
	listenFlag     = "--addr 0.0.0.0:4222"
	listenJoinFlag = "--join-addr 0.0.0.0:4223"
)

// onlyHere says what one is to do about a head at such an address.
func onlyHere(listen string) string {
	return "(this head can be reached from this machine only: stop it, and give " + listen + " for others)"
}

// reachable is false for an address that only this machine can reach.
func reachable(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err != nil || !net.ParseIP(host).IsLoopback()
}

// joinAddress is the address to join at, and a space. With several, the token, which has them, says it better.
func (up *upJSON) joinAddress() string {
	t, err := join.ParseToken(up.Token)
	if err != nil || len(t.Addresses) != 1 {
		return ""
	}
	return t.Addresses[0] + " "
}

func countAlive(nodes []protocol.NodeInfo) int {
	n := 0
	for _, one := range nodes {
		if one.Alive {
			n++
		}
	}
	return n
}

// Flags that say how the head and the agent are to be started.
var (
	flagsOfHead = []string{"addr", "join-addr", "advertise", "sync", "context", "metrics", "history-limit",
		"nats", "nats-ca", "signing-key", "nats-login", "single-tenant"}
	flagsOfAgent = []string{"cpus", "memory", "gpus", "resource", "label", "allow-users", "worker-user", "drain"}
)

// tooLate is the flags that were given for what runs already: the head, and unless it has just been started, the agent.
func tooLate(cmd *cobra.Command, headRan, agentIsNew bool) []string {
	var late []string
	if headRan {
		late = append(late, flagsOfHead...)
		if !agentIsNew {
			late = append(late, flagsOfAgent...)
		}
	}
	return slices.DeleteFunc(late, func(name string) bool { return !cmd.Flags().Changed(name) })
}

// other is those of some flags that aren't what head and agent were started with; and those of which that can't be seen.
func (f *upFlags) other(state daemon.Folder, names []string) (other, unseen []string, err error) {
	last, _, err := readGiven(state)
	if err != nil {
		return nil, nil, err
	}
	r, _, err := state.Running(serviceHead)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		differs, seen := f.head.differs(name, r.About)
		if slices.Contains(flagsOfAgent, name) {
			differs, seen = f.agent.differs(name, &last), true
		}
		switch {
		case !seen:
			unseen = append(unseen, name)
		case differs:
			other = append(other, name)
		}
	}
	return other, unseen, nil
}

// differs reports whether a flag isn't what a head says that it was started with, and whether that can be seen. Of addresses
// the port counts: the head says by which host others reach it.
func (f *headFlags) differs(name string, about map[string]string) (differs, seen bool) {
	port := func(addr string) string {
		_, port, _ := net.SplitHostPort(addr)
		return port
	}
	given := map[string][2]string{
		"addr":      {port(f.addr), port(about[aboutAddr])},
		"join-addr": {port(f.joinAddr), port(about[aboutJoin])},
		"metrics":   {port(f.metrics), port(about[aboutMetrics])},
		"context":   {f.context, about[aboutContext]},
	}
	is, seen := given[name]
	return is[0] != is[1] && is[0] != "0", seen
}
