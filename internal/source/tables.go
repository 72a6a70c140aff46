package source

import "strings"

// musterPath is the package whose functions register functions.
const musterPath = "github.com/musterrun/muster"

// registrar says where a registering function of package muster takes what.
type registrar struct {
	name int   // the argument that is the name
	code []int // the arguments that are the code
}

// registrars are the functions of package muster that register code under a name.
var registrars = map[string]registrar{
	"Func":   {name: 0, code: []int{1}},
	"Stream": {name: 0, code: []int{1}},
	"Actor":  {name: 0, code: []int{1}},
	"Method": {name: 1, code: []int{0, 2}},
}

// A standard package that isn't in inert or talkative may remember what it is told, and tell it to others: a handler,
// a format, a driver. Whoever calls it while packages are initialised may decide what other callers get.

// inert are standard packages that remember nothing, or nothing that a result could depend on.
var inert = set(`bufio bytes cmp compress/bzip2 compress/flate compress/gzip compress/lzw compress/zlib container/heap
	container/list container/ring context crypto/hmac crypto/md5 crypto/sha1 crypto/sha256 crypto/sha512 crypto/subtle
	embed encoding encoding/base32 encoding/base64 encoding/binary encoding/csv encoding/hex encoding/json encoding/pem
	encoding/xml errors fmt go/ast go/format go/parser go/printer go/scanner go/token go/types hash hash/adler32 hash/crc32
	hash/crc64 hash/fnv hash/maphash html html/template index/suffixarray io io/fs iter log log/slog maps math math/big
	math/bits math/cmplx math/rand/v2 net/netip net/url path path/filepath reflect regexp regexp/syntax slices sort strconv
	strings sync sync/atomic text/scanner text/tabwriter text/template text/template/parse unicode unicode/utf16
	unicode/utf8 unique unsafe weak testing`)

// talkative are standard packages of which only these functions are heard by others.
var talkative = map[string]map[string]bool{
	"os":            set("Setenv Unsetenv Clearenv Chdir"),
	"time":          {},
	"runtime":       set("GOMAXPROCS SetFinalizer"),
	"runtime/debug": {},
	"math/rand":     set("Seed"),
	"os/exec":       {},
	"os/signal":     {},
	"os/user":       {},
}

// heard reports whether calling an object of a package outside may change what others get from that package.
func heard(path, name string) bool {
	if inert[path] {
		return false
	}
	if names, ok := talkative[path]; ok {
		return names[name]
	}
	return true
}

// listens reports whether what a package outside does may depend on what it was told.
func listens(path string) bool {
	names, isTalkative := talkative[path]
	return !inert[path] && (!isTalkative || len(names) > 0)
}

// opaque are objects outside that reach code which no analysis of source can name.
var opaque = map[string]string{
	"(reflect.Value).MethodByName": "calls a method by a name that is made at run time",
	"(reflect.Type).MethodByName":  "finds a method by a name that is made at run time",
	"plugin.Open":                  "loads code at run time",
	"(*plugin.Plugin).Lookup":      "loads code at run time",
}

// constantTypes are types outside whose values don't change in a way that a result could depend on, whoever uses them.
var constantTypes = set(`regexp.Regexp log.Logger log/slog.Logger strings.Replacer time.Location sync.Mutex sync.RWMutex
	sync.Once sync.WaitGroup sync.Cond sync.Pool`)

// keepers are types outside that hold functions for later: whoever gets one while packages are initialised doesn't call
// them then.
var keepers = set(`github.com/spf13/cobra.Command github.com/urfave/cli.App github.com/urfave/cli.Command
	github.com/urfave/cli/v2.App github.com/urfave/cli/v2.Command github.com/urfave/cli/v3.Command net/http.Server`)

// changes begin the names of methods outside that change their receiver. One that doesn't is taken to change it only
// where it runs while packages are initialised.
var changes = strings.Fields(`Store Swap Set Put Push Pop Register Unregister Insert Append LoadOrStore LoadAndDelete
	CompareAndSwap Handle Delete Write Reset Init Clear Merge Parse Funcs New Add Replace Update Remove Use Bind Mount
	Attach Enable Disable Define Extend Configure Override Install Provide Subscribe Unset Apply Grow Truncate Option`)

func changesByName(method string) bool {
	for _, prefix := range changes {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return false
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
