package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes beside 0: something failed or was found, and wrong usage. run passes its program's on.
const (
	exitFailed = 1
	exitUsage  = 2
)

// exitCodes is what people are told about them; docs/cluster.md has the same table.
var exitCodes = []struct{ code, meaning string }{
	{"0", "it is done; of `down` and `leave` also: there was nothing to stop"},
	{"1", "it failed; or it looked, and found something: `doctor` a problem, `up` a cluster that was started with other flags, " +
		"`vet` a mistake, `fingerprint --check` an outdated file, `cache verify` a damaged result"},
	{"2", "the command line is wrong; of `run` also: the program couldn't begin, since its job is open elsewhere, its cluster " +
		"refused it, or it fits no node"},
	{"130, 143", "of `run`: the program was ended by Ctrl-C, by SIGTERM"},
	{"others", "of `run` and `attach`: the program's own"},
}

// newExitCodes is a topic of muster help.
func newExitCodes() *cobra.Command {
	var b strings.Builder
	fmt.Fprint(&b, "The exit codes of all commands:\n\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "  %-9s %s\n", c.code, strings.ReplaceAll(c.meaning, "`", ""))
	}
	return &cobra.Command{Use: "exit-codes", Short: "What exit codes mean", Long: b.String()}
}
