package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check this machine and the way to the cluster, and say what to do", Args: cobra.NoArgs,
		Long: `Checks the state folder (that it can be written to, has room, and lets programs in it run), what runs on this machine,
and if there is a context, the head: whether it can be reached, how long an answer takes, how far the clocks differ, which
versions and platforms the nodes have. The exit code is 1 if something needs to be done.`,
	}
	name, state, asJSON := addContext(cmd), addState(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		folder, err := stateFolder(*state)
		if err != nil {
			return err
		}
		d := &diagnosis{}
		d.machine(folder)
		d.cluster(cmd.Context(), *name)
		if *asJSON {
			err = printJSON(cmd.OutOrStdout(), d.findings)
		} else {
			err = d.print(cmd.OutOrStdout())
		}
		if err == nil && d.bad() {
			return codeError(exitFailed)
		}
		return err
	}
	return cmd
}

// level is how a finding is to be taken.
type level string

const (
	levelOK   level = "ok"
	levelWarn level = "warning"
	levelBad  level = "problem"
)

// finding is what a check found, and what to do if that isn't well.
type finding struct {
	Check  string `json:"check"`
	Level  level  `json:"level"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// diagnosis is what was found, in the order of the checks.
type diagnosis struct{ findings []finding }

func (d *diagnosis) add(check string, l level, remedy, format string, args ...any) {
	if l == levelOK {
		remedy = ""
	}
	d.findings = append(d.findings, finding{check, l, fmt.Sprintf(format, args...), remedy})
}

// result adds a problem if err isn't nil, and else the text that says what is well.
func (d *diagnosis) result(check string, err error, remedy, well string) {
	if err != nil {
		d.add(check, levelBad, remedy, "%v", err)
		return
	}
	d.add(check, levelOK, "", "%s", well)
}

func (d *diagnosis) bad() bool {
	for _, f := range d.findings {
		if f.Level == levelBad {
			return true
		}
	}
	return false
}

func (d *diagnosis) print(w io.Writer) error {
	var rows [][]string
	for _, f := range d.findings {
		text := clip(f.Text, 300)
		if f.Remedy != "" {
			text += ": " + f.Remedy
		}
		rows = append(rows, []string{string(f.Level), f.Check, text})
	}
	return table(w, rows)
}

// cluster checks the way to the cluster, if there is one.
func (d *diagnosis) cluster(ctx context.Context, flag string) {
	name, err := clusterName(flag)
	switch {
	case err != nil:
		d.result("context", err, "look at the folder of contexts", "")
		return
	case name == "":
		d.add("context", levelOK, "", "none: programs run in their own process; muster up starts a cluster")
		return
	}
	_, id, err := findContext(name)
	d.result("context", err, "muster context ls lists those that are there",
		fmt.Sprintf("%s: you are %s, %s of cluster %s", name, id.Name, id.Role, id.Cluster))
	if err != nil {
		return
	}
	d.clock(ctx, id)
	within, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	r, err := dialContext(within, name)
	d.result("head", err, "", "it can be reached at "+strings.Join(id.URLs, ", "))
	if err != nil {
		return
	}
	defer r.Conn.Close()
	d.answers(ctx, r)
	d.nodes(ctx, r)
}
