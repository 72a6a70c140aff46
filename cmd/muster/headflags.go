package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/head"
)

// headFlags say what a head is like.
type headFlags struct {
	agesFlags

	addr, joinAddr string
	advertise      []string
	sync           string
	context        string
	metrics        string
	nats           natsFlags
	historyLimit   string
}

func (f *headFlags) add(cmd *cobra.Command) {
	f.addShared(cmd)
	f.agesFlags.add(cmd)
}

func (f *headFlags) addShared(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.addr, "addr", "", "where the head listens, HOST:PORT (default: 127.0.0.1 and a free port, always the same)")
	cmd.Flags().StringVar(&f.joinAddr, "join-addr", "", "where one joins (default: the same host and a free port, always the same)")
	cmd.Flags().StringArrayVar(&f.advertise, "advertise", nil,
		"the name or address by which others reach this machine; may be repeated (default: all of the machine's)")
	cmd.Flags().StringVar(&f.sync, "sync", "", "always: a power cut loses nothing; or how much it may lose (default: 1s)")
	cmd.Flags().StringVar(&f.metrics, "metrics", "",
		"where Prometheus reads the cluster's metrics, HOST:PORT, by HTTPS and with a token: docs/watching.md (default: nowhere)")
	cmd.Flags().StringVar(&f.historyLimit, "history-limit", "1GiB",
		"how large the history may become on the head's disk, at least 1MiB; the oldest goes first. 0: none is kept")
	cmd.Flags().StringVar(&f.context, "context", "local", "the context that is made for you")
	f.nats.add(cmd)
}

// args is the flags again, for a process that is to have the same.
func (f *headFlags) args() []string {
	args := append(f.agesFlags.args(), "--addr="+f.addr, "--join-addr="+f.joinAddr, "--sync="+f.sync, "--context="+f.context,
		"--metrics="+f.metrics, "--history-limit="+f.historyLimit)
	for _, a := range f.advertise {
		args = append(args, "--advertise="+a)
	}
	return append(args, f.nats.args()...)
}

// config is the head's set-up; an error is one of usage.
func (f *headFlags) config() (head.Config, error) {
	c := head.Config{Addr: f.addr, JoinAddr: f.joinAddr, Advertise: f.advertise, Ages: f.ages(), Metrics: f.metrics, Version: version()}
	for _, addr := range []string{f.addr, f.joinAddr, f.metrics} {
		if _, _, err := net.SplitHostPort(addr); addr != "" && err != nil {
			return c, usageError{fmt.Errorf("%q is no address: write HOST:PORT, such as 0.0.0.0:4222", addr)}
		}
	}
	if c.JoinAddr == "" && f.addr != "" {
		host, _, _ := net.SplitHostPort(f.addr)
		c.JoinAddr = net.JoinHostPort(host, "0")
	}
	limit, err := parseSize(cmp.Or(f.historyLimit, "1GiB"))
	if err != nil || limit > 0 && limit < 1<<20 {
		return c, usageError{fmt.Errorf("--history-limit %q: it must be a size of at least 1MiB, or 0 for no history", f.historyLimit)}
	}
	if limit > 0 {
		c.History = keepHistory(limit)
	}
	switch d, err := time.ParseDuration(f.sync); {
	case f.sync == "":
	case f.sync == "always":
		c.Sync = -1
	case err != nil || d <= 0:
		return c, usageError{fmt.Errorf("--sync %q: it must be always, or a duration such as 1s", f.sync)}
	default:
		c.Sync = d
	}
	if len(f.nats.urls) > 0 && (f.addr != "" || f.sync != "") {
		return c, usageError{errors.New("with --nats the head has no NATS server of its own: leave out --addr and --sync " +
			"(--join-addr says where one joins; how much a power cut may lose is in the servers' configuration)")}
	}
	c.NATS, err = f.nats.config()
	return c, err
}
