package source

import (
	"os"
	"testing"
)

// TestEdits makes the edits that any fingerprint must answer rightly.
func TestEdits(t *testing.T) {
	t.Parallel()
	archive, err := os.ReadFile("testdata/list.txtar")
	if err != nil {
		t.Fatal(err)
	}
	const same, changed = true, false
	for name, c := range map[string]struct {
		same bool
		edit string
	}{
		"comment":                          {same, "lib/lib.go: // Do does one of each. => // Do is another comment."},
		"layout and parentheses":           {same, "lib/lib.go: return n + 7 => return (n +\n\t\t(7))"},
		"renamed local":                    {same, "lib/lib.go: sum := one(n) => total := one(n)\n--\nlib/lib.go: square{sum} => square{total}"},
		"renamed parameter":                {same, "lib/lib.go: two(n int) int { return three(n) } => two(x int) int { return three(x) }"},
		"renamed import":                   {same, "lib/lib.go: \"sort\" => order \"sort\"\n--\nlib/lib.go: sort.Sort => order.Sort"},
		"constant of the same value":       {same, "lib/lib.go: limit = 10 => limit = 5 + 5"},
		"literal of the same value":        {same, "lib/lib.go: return n + 7 => return n + 0x7"},
		"body of an uncalled function":     {same, "lib/more.go: uncalled() int { return 1 } => uncalled() int { return 2 }"},
		"new function":                     {same, "lib/more.go: += func brandNew() {}"},
		"unreached package":                {same, "unreached/unreached.go: \"1\" => \"2\""},
		"field of an unreached type":       {same, "lib/more.go: struct{ a int } => struct{ a, b int }"},
		"method of an unreached type":      {same, "lib/more.go: return u.a => return u.a + 1"},
		"method of a type not made here":   {same, "lib/lib.go: 3 * c.r => 4 * c.r"},
		"unused generic":                   {same, "lib/lib.go: { return x } => { y := x; return y }"},
		"embedded file of another":         {same, "lib/other.txt: other => another"},
		"body of main":                     {same, "main.go: fmt.Println(unreached.Version()) => fmt.Println(unreached.Version(), 1)"},
		"unused variable":                  {same, "lib/more.go: unusedVariable = 1 => unusedVariable = 2"},
		"function moved to another file":   {same, "lib/lib.go: func three(n int) int { return n + 7 } => \n--\nlib/more.go: += func three(n int) int { return n + 7 }"},
		"declarations reordered":           {same, "lib/lib.go: func one(n int) int { return two(n) } => \n--\nlib/lib.go: += func one(n int) int { return two(n) }"},
		"test file":                        {same, "lib/lib_test.go: += func helper() {}"},
		"file for another system":          {same, "lib/lib_windows.go: true => false"},
		"literal three calls down":         {changed, "lib/lib.go: return n + 7 => return n + 8"},
		"constant":                         {changed, "lib/lib.go: limit = 10 => limit = 11"},
		"constant put into an iota group":  {changed, "lib/lib.go: 	exact => 	medium\n\texact"},
		"struct field":                     {changed, "lib/lib.go: 	Y int => 	Y, Z int\n--\nlib/lib.go: point{n, lookup(\"a\")} => point{X: n, Y: lookup(\"a\")}"},
		"new struct field alone":           {changed, "lib/lib.go: square struct{ side int } => square struct{ side int; _ int }\n--\nlib/lib.go: square{sum} => square{side: sum}"},
		"struct tag":                       {changed, "lib/lib.go: json:\"x\" => json:\"y\""},
		"String called by fmt only":        {changed, "lib/lib.go: (%d %d) => [%d %d]"},
		"method through an interface":      {changed, "lib/lib.go: s.side * s.side => s.side + s.side"},
		"constant that this method reads":  {changed, "lib/lib.go: factor = 1 => factor = 2"},
		"Less called by sort.Sort":         {changed, "lib/lib.go: len(b[i]) < len(b[j]) => len(b[i]) > len(b[j])"},
		"function variable set in init":    {changed, "lib/lib.go: render = plain => render = strings.ToUpper"},
		"what the variable is set to":      {changed, "lib/lib.go: strings.TrimSpace(s) => strings.ToLower(s)"},
		"handler's helper":                 {changed, "plugins/plugins.go: \"<\" => \"{\""},
		"handler registered":               {changed, "plugins/plugins.go: += func init() { lib.Register(\"lower\", helper) }"},
		"handler's name":                   {changed, "plugins/plugins.go: \"upper\" => \"UPPER\""},
		"generic method":                   {changed, "lib/lib.go: append(l.items, x) => append(l.items, x, x)"},
		"embedded file that is read":       {changed, "lib/words.txt: words => other words"},
		"lazily built table":               {changed, "lib/lib.go: \"a\": 1 => \"a\": 2"},
		"init that feeds a registry":       {changed, "lib/lib.go: \"text/m\" => \"text/n\""},
		"init that feeds one from outside": {changed, "plugins/plugins.go: import \"example.com/m/lib\" => import (\n\"example.com/m/lib\"\n\"mime\"\n)\nfunc init() { mime.AddExtensionType(\".m\", \"a/b\") }"},
		"go directive":                     {changed, "go.mod: go 1.26 => go 1.25"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, string(archive), c.edit, c.same)
		})
	}
}
