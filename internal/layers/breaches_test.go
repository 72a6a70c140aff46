package layers

import (
	"strings"
	"testing"
)

// TestBreaches tries the rules on files that don't exist. An empty want means that the import is allowed.
func TestBreaches(t *testing.T) {
	for _, c := range []struct{ file, imported, want string }{
		{"session.go", "context", ""},
		{"session.go", module + "/internal/engine", ""},
		{"session.go", module + "/internal/progress", ""},
		{"session.go", "github.com/KimMachineGun/automemlimit/memlimit", ""},
		{"session.go", module + "/mustertest", "thin"},
		{"session.go", module + "/cmd/muster", "thin"},
		{"session.go", "github.com/vbauerster/mpb/v8", "thin"},
		{"session.go", "go.uber.org/goleak", "thin"},
		{"session_test.go", "go.uber.org/goleak", ""},
		{"session_test.go", module + "/mustertest", ""},
		{"session_test.go", "github.com/stretchr/testify/require", "thin"},
		{"event/event.go", module + "/internal/engine", "depend on nobody"},
		{"event/event.go", module, "depend on nobody"},
		{"internal/codec/float.go", "github.com/fxamacker/cbor/v2", ""},
		{"internal/codec/float.go", "github.com/fxamacker/cborish", "codec knows no task"},
		{"internal/codec/float.go", "pgregory.net/rapid", "codec knows no task"},
		{"internal/codec/float_test.go", "pgregory.net/rapid", ""},
		{"internal/coordinator/machine.go", "container/heap", ""},
		{"internal/coordinator/machine.go", "time", "no clock"},
		{"internal/coordinator/machine.go", "sync/atomic", "no clock"},
		{"internal/coordinator/machine.go", "net/http", "no clock"},
		{"internal/coordinator/machine_test.go", "time", ""},
		{"internal/coordinator/machine.go", module + "/internal/engine", "no clock"},
		{"internal/engine/run.go", module, "neither the public API"},
		{"internal/engine/run.go", "net", ""},
		{"internal/engine/remote/offer.go", module + "/internal/engine", "shares no code"},
		{"internal/engine/remote/offer.go", module + "/internal/engine/remote/wire", ""},
		{"internal/progress/bar.go", "golang.org/x/term", ""},
		{"internal/progress/bar.go", "golang.org/x/sys/unix", "events lack"},
		{"mustertest/mustertest.go", "go.uber.org/goleak", ""},
		{"mustertest/mustertest.go", module + "/cluster/head", "tests of users"},
		{"mustertest/cluster/kill.go", module + "/cluster/head", ""},
		{"session.go", module + "/cluster/worker", ""},
		{"cluster/worker/worker.go", "github.com/nats-io/nats.go", "no NATS client"},
		{"cluster/agent/agent.go", module + "/cluster/head", "never each other's code"},
		{"cluster/agent/agent.go", "github.com/nats-io/nats.go/jetstream", ""},
		{"cluster/agent/agent.go", "github.com/nats-io/nats-server/v2/server", "never each other's code"},
		{"cluster/head/head.go", "github.com/nats-io/nats-server/v2/server", ""},
		{"cluster/head/head.go", module, "nats-server"},
		{"examples/pi/main.go", module, ""},
		{"examples/pi/main.go", module + "/internal/engine", "shows what a user can write"},
		{"cmd/muster/main.go", "github.com/spf13/cobra", ""},
		{"internal/readme/main.go", "golang.org/x/term", "nothing but Go"},
		{"surprise/surprise.go", "fmt", "no rule covers surprise"},
		{"session.go", module + "/surprise", "thin"},
	} {
		got := breaches(rules, []file{{c.file, []string{c.imported}}})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s imports %s: breach %q, want none", c.file, c.imported, got)
		case c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.file) || !strings.Contains(got[0], c.want)):
			t.Errorf("%s imports %s: breaches %q, want one with %q", c.file, c.imported, got, c.want)
		}
	}
}

// TestRules checks the table itself: a part has one rule, a reason, and names only parts that have rules.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.part] {
			t.Errorf("%s has two rules", r.part)
		}
		seen[r.part] = true
		if r.why == "" && !r.any {
			t.Errorf("%s: the rule has no reason", r.part)
		}
	}
	for _, r := range rules {
		for _, p := range append(r.parts(true), r.part) {
			if target, _ := ruleOf(rules, p); target.part != p {
				t.Errorf("%s: %s is no part", r.part, p)
			}
		}
	}
}
