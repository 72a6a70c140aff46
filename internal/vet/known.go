package vet

import (
	"go/types"
	"path"
	"strings"
)

// What the checks know about functions that they don't read.

// source is the name of what a result of fn depends on if that is the process's own: its environment, files, host, time
// or chance; "" for any other function.
func source(fn *types.Func) string {
	if fn.Pkg() == nil || fn.Signature().Recv() != nil {
		return ""
	}
	name := fn.Name()
	switch fn.Pkg().Path() {
	case "flag", "net", "net/http", "os/user", "os/exec", "math/rand", "math/rand/v2", "crypto/rand":
		if strings.HasPrefix(name, "New") || name == "StatusText" || strings.HasPrefix(name, "Parse") && name != "Parsed" {
			return ""
		}
	case "os":
		if strings.HasPrefix(name, "Is") || strings.HasPrefix(name, "New") || name == "Expand" || name == "DirFS" {
			return ""
		}
	case "path/filepath":
		if name != "Glob" && name != "Abs" && name != "EvalSymlinks" {
			return ""
		}
	case "time":
		if name != "Now" && name != "Since" && name != "Until" {
			return ""
		}
	case "runtime":
		if name != "NumCPU" && name != "GOMAXPROCS" {
			return ""
		}
	default:
		return ""
	}
	return qualified(fn)
}

// sourceVariable is source for a package variable of another package.
func sourceVariable(v *types.Var) string {
	switch name := v.Pkg().Path() + "." + v.Name(); name {
	case "os.Args", "os.Stdin", "flag.CommandLine", "crypto/rand.Reader":
		return name
	}
	return ""
}

// kindOf says what an unread function is to a task: the clock, a random source, a process that the task doesn't
// end, or the environment and the command line.
func kindOf(fn *types.Func) (Kind, bool) {
	if fn.Pkg() == nil || fn.Signature().Recv() != nil {
		return 0, false
	}
	name := fn.Name()
	switch fn.Pkg().Path() {
	case "time":
		return Clock, name == "Now" || name == "Since" || name == "Until"
	case "math/rand", "math/rand/v2":
		return Random, !strings.HasPrefix(name, "New") && name != "Seed" // a source with a seed isn't chance
	case "crypto/rand":
		return Random, true
	case "hash/maphash":
		return Random, name == "MakeSeed"
	case "os/exec":
		return Exec, name == "Command"
	case "os":
		return Environ, name == "Getenv" || name == "LookupEnv" || name == "Environ" || name == "ExpandEnv"
	case "flag":
		return Environ, name == "Arg" || name == "Args" || name == "NArg" || name == "NFlag" || name == "Lookup"
	}
	return 0, false
}

// isSync reports whether t serves to synchronise goroutines and holds no value of the user's.
func isSync(t types.Type) bool {
	named := namedOf(t)
	if named == nil || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != "sync" {
		return false
	}
	return named.Obj().Name() != "Map"
}

// changers are how the names of methods begin that change what they are called on.
var changers = []string{
	"Add", "And", "Clear", "CompareAnd", "Delete", "Init", "Insert", "LoadAnd", "LoadOr", "Or", "Pop", "Push", "Put", "Remove",
	"Reset", "Set", "Store", "Swap", "Write",
}

// changesReceiver reports whether a method of another module's or the standard library's type changes the value, by its
// name.
func changesReceiver(fn *types.Func) bool { return hasPrefix(fn.Name(), changers) }

// readers are how the names of functions begin that fill what they get the address of.
var readers = []string{"Unmarshal", "Decode", "Scan", "Sscan", "Fscan", "Read"}

// changesArgument reports whether a function of another module or the standard library changes its first argument, or
// that whose address it gets.
func changesArgument(fn *types.Func, address bool) bool {
	name := fn.Name()
	pkg := ""
	if fn.Pkg() != nil {
		pkg = fn.Pkg().Path()
	}
	if address {
		switch pkg {
		case "sync/atomic":
			return !strings.HasPrefix(name, "Load")
		case "flag":
			return strings.HasSuffix(name, "Var")
		}
		return hasPrefix(name, readers)
	}
	switch pkg {
	case "slices":
		return strings.HasPrefix(name, "Sort") && !strings.HasPrefix(name, "Sorted") || name == "Reverse"
	case "sort":
		return !strings.HasPrefix(name, "Search") && !strings.HasSuffix(name, "AreSorted") && !strings.HasPrefix(name, "Is")
	case "maps":
		return name == "Copy" || name == "DeleteFunc" || name == "Insert"
	}
	return false
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// onlyLogs reports whether what a function gets leaves the program as a message, or sets a limit in time, and so can't
// change a result.
func onlyLogs(fn *types.Func) bool {
	if fn.Pkg() == nil {
		return false
	}
	name := fn.Name()
	switch fn.Pkg().Path() {
	case "log", "log/slog", "testing":
		return !strings.HasPrefix(name, "New")
	case "fmt":
		return strings.HasPrefix(name, "Print") || strings.HasPrefix(name, "Fprint")
	case "time":
		return name == "Sleep" || name == "After" || name == "AfterFunc" || name == "NewTimer" || name == "Tick"
	}
	return strings.Contains(name, "Deadline") || strings.Contains(name, "Timeout")
}

// globalName is how facts name a package variable.
func globalName(v *types.Var) string { return v.Pkg().Path() + "." + v.Name() }

// short is a variable's or function's name with the last part of its package's path only.
func short(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return path.Base(name)
	}
	return name
}
