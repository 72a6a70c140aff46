package layers

import "slices"

// module is the path that the parts' import paths begin with.
const module = "github.com/musterrun/muster"

// rule is what one part of the module may import beside the standard library and its own subfolders.
type rule struct {
	part  string   // the folder; "." is the root, and only the root
	may   []string // parts
	use   []string // packages of other modules, and those below them
	tests []string // parts that only its tests may import
	extra []string // packages of other modules, and those below them, that only its tests may import
	not   []string // packages of the standard library, and those below them, that only its tests may import
	any   bool     // no restriction
	why   string   // the reason, for who breaks the rule
}

// inTests may be imported by every part's tests.
var inTests = []string{"go.uber.org/goleak", "pgregory.net/rapid"}

// impure is what a state machine that is simulated and replayed can't use.
var impure = []string{
	"context", "crypto/rand", "hash/maphash", "log", "math/rand", "net", "os", "runtime", "sync", "syscall", "time",
}

func isTime(pkg string) bool { return pkg == "time" }

const (
	onPublicAPI = "it is built on the public API alone: if it needs more, the API lacks it"
	roles       = "the cluster's roles share the protocol, never each other's code: they meet as processes"
	embedsNATS  = "only the head and the CLI that starts it link nats-server: every user's binary would carry it"
	isTool      = "the house's own tools need nothing but Go"
)

// rules has one rule for each part. A folder is covered by the rule of the longest part that it is or lies in.
var rules = []rule{
	{part: ".", may: []string{
		"cache", "cluster/join", "cluster/worker", "event", "fingerprint", "internal/codec", "internal/coordinator",
		"internal/engine", "internal/engine/remote", "internal/isolate", "internal/journal", "internal/pages", "internal/progress", "object",
		"protocol",
	}, use: []string{"github.com/KimMachineGun/automemlimit"}, tests: []string{"mustertest"},
		why: "the root is the public API and thin: what it does is done by the parts below it"},
	{part: "event", may: []string{"internal/codec", "internal/coordinator"},
		why: "everybody reads events, so they depend on nobody"},
	{part: "internal/codec", may: []string{"event", "internal/coordinator"}, use: []string{"github.com/fxamacker/cbor"},
		why: "values are encoded alike for every engine: the codec knows no task, session or network"},
	{part: "internal/child", may: []string{"internal/quiet", "protocol"}, use: []string{"golang.org/x/sys"}, tests: []string{"cluster/worker"},
		why: "agents and sessions start workers by it: every user's binary has it, so it knows no network, and no tasks"},
	{part: "internal/quiet", why: "agents and joiners connect by it: it knows the runtime and the operating system, and nothing of muster"},
	{part: "internal/pages", use: []string{"golang.org/x/sys"},
		why: "every worker has it, and every service: it knows the operating system and nothing of muster"},
	{part: "internal/coordinator", may: []string{"event", "internal/codec"}, not: impure,
		why: "the state machine is pure, so that it can be simulated and replayed: no clock, goroutine, lock, I/O or random source"},
	{part: "internal/engine", may: []string{"cache", "event", "internal/codec", "internal/coordinator", "internal/dispatch", "internal/journal", "protocol"},
		why: "the in-process engine carries out the coordinator's actions: it knows neither the public API above it nor a network"},
	{part: "internal/dispatch", may: []string{"protocol"}, not: slices.DeleteFunc(slices.Clone(impure), isTime),
		why: "what a driver knows of nodes is pure, so that it can be simulated: times come from its caller"},
	{part: "internal/engine/remote", may: []string{"cluster/join", "event", "internal/dispatch", "object", "protocol"},
		use:   []string{"github.com/nats-io/nats.go", "github.com/zeebo/blake3"},
		extra: []string{"github.com/nats-io/nats-server"}, tests: []string{"cluster/head"},
		why: "it carries tasks and outcomes for whoever implements its Job, and shares no code with the in-process engine"},
	{part: "internal/fair", not: impure,
		why: "who is next is decided alike by the head, agents and the simulator: it is pure, and knows none of them"},
	{part: "internal/history", may: []string{"protocol"}, use: []string{"modernc.org/sqlite"},
		why: "it is a process of its own for a moment, and knows what a head has noted down, not the head"},
	{part: "internal/ledger", may: []string{"protocol"}, not: impure,
		why: "what a machine has and who has it is decided alike by agents and the simulator: it is pure, and knows none of them"},
	{part: "internal/metrics", why: "agents and heads count by it, with next to no memory to spare: it is text and numbers alone"},
	{part: "internal/progress", may: []string{"event"}, use: []string{"github.com/vbauerster/mpb", "golang.org/x/term"},
		why: "the display reads events like any listener of a user's: what it needs more, events lack"},
	{part: "internal/sim", may: []string{"internal/coordinator", "internal/dispatch", "internal/fair", "internal/ledger", "protocol"},
		why: "the simulator drives the coordinator itself, without an engine"},
	{part: "mustertest", may: []string{".", "internal/engine"}, use: []string{"go.uber.org/goleak"},
		why: "tests of users run on the public API; only faults are injected below it"},
	{part: "mustertest/cluster", may: []string{
		".", "cluster/agent", "cluster/head", "cluster/join", "event", "internal/engine", "mustertest", "protocol",
	}, use: []string{"github.com/nats-io"},
		why: "it starts real processes, and talks to them as a user's program does"},
	{part: "cache", may: []string{"event", "internal/codec"},
		use: []string{"github.com/gofrs/flock", "github.com/klauspost/compress", "github.com/zeebo/blake3", "golang.org/x/sys"},
		why: "the cache keeps encoded values: it knows no engine"},
	{part: "fingerprint", use: []string{"github.com/zeebo/blake3"},
		why: "generated code in users' packages calls it, so it depends on next to nothing"},
	{part: "internal/isolate", may: []string{"internal/child", "object", "protocol"},
		why: "it runs one task in a process, whoever wants that: it knows no session, and no network"},
	{part: "internal/journal", may: []string{"event", "internal/codec"},
		use: []string{"github.com/gofrs/flock", "github.com/klauspost/compress", "github.com/zeebo/blake3", "golang.org/x/sys"},
		why: "a journal keeps encoded outcomes by key: it knows no engine"},
	{part: "internal/source", may: []string{"fingerprint"}, use: []string{"golang.org/x/tools", "golang.org/x/mod", "github.com/zeebo/blake3"},
		why: "reading a module's source is for the CLI: no program of a user's links it"},
	{part: "internal/vet", use: []string{"golang.org/x/tools"},
		why: "the checks know muster by its import path, as they know any code that they read"},
	{part: "object", use: []string{"github.com/zeebo/blake3", "golang.org/x/sys"},
		why: "a sealed value is bytes with their hash: it knows no engine"},
	{part: "protocol", why: "messages are read by workers in other languages too: they depend on no type of ours"},
	{part: "cluster/agent", may: []string{"cluster/join", "event", "internal/child", "internal/fair", "internal/ledger", "internal/metrics", "object", "protocol"},
		use:   []string{"github.com/gofrs/flock", "github.com/nats-io/nats.go", "golang.org/x/sys"},
		extra: []string{"github.com/nats-io/nats-server"}, tests: []string{"cluster/worker"}, why: roles},
	{part: "cluster/join", may: []string{"internal/quiet", "protocol"},
		use: []string{"github.com/nats-io/nats.go", "github.com/nats-io/nkeys", "github.com/zeebo/blake3"},
		why: "whoever reaches a cluster links it, users' programs too: it knows the protocol and no role"},
	{part: "cluster/worker", may: []string{"event", "object", "protocol"},
		why: "it is part of every user's binary, and talks to its agent over a socket: it needs no NATS client"},
	{part: "cluster/head", may: []string{"cluster/join", "event", "internal/fair", "internal/metrics", "object", "protocol"},
		use: []string{"github.com/gofrs/flock", "github.com/nats-io", "github.com/zeebo/blake3", "golang.org/x/sys"}, why: embedsNATS},
	{part: "array", may: []string{".", "event"}, why: onPublicAPI},
	{part: "bag", may: []string{".", "event"}, why: onPublicAPI},
	{part: "frame", may: []string{".", "event"}, why: onPublicAPI},
	{part: "otel", may: []string{".", "event"}, use: []string{"go.opentelemetry.io/otel"},
		extra: []string{"go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"},
		why:   "a program that sends traces is 11 MB larger, so that is for who imports it; it listens as any user's program can"},
	{part: "tune", may: []string{".", "event"}, why: onPublicAPI},
	{part: "workflow", may: []string{".", "event"}, why: onPublicAPI},
	{part: "examples", may: []string{".", "event"}, tests: []string{"mustertest"},
		why: "an example shows what a user can write, so " + onPublicAPI},
	{part: "cmd", any: true},
	{part: "cmd/muster/internal/yardstick", use: []string{"github.com/nats-io"},
		why: "muster is measured beside it, so it shares no code with muster: what makes that slower would make both slower"},
	{part: "internal/changelog", why: isTool},
	{part: "internal/layers", why: isTool},
	{part: "internal/readme", why: isTool},
}
