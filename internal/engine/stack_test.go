package engine

import "testing"

func TestTrimStack(t *testing.T) {
	const (
		head  = "goroutine 7 [running]:\n"
		user  = "main.parse({0x0, 0x0})\n\t/src/main.go:14 +0x1d\nmain.run(...)\n\t/src/main.go:9 +0x2\n"
		below = inEngine + "(*Fn[...]).invoke(...)\n\t/m/call.go:176 +0x42\n" + inEngine + "(*call[...]).Exec(...)\n\t/m/call.go:99\n"
		rest  = inEngine + "runAttempt(0xc000)\n\t/m/exec.go:68 +0x2b\n" + inEngine + "(*worker).drain(0xc0)\n\t/m/exec.go:56\n" +
			"created by " + inEngine + "(*outbox).deliver in goroutine 6\n\t/m/outbox.go:98\n"
		above = "runtime/debug.Stack()\n\t/go/stack.go:26 +0x5e\n" + inEngine + "newPanic(...)\n\t/m/exec.go:96 +0x1\n" +
			inEngine + "(*worker).drain.func1()\n\t/m/exec.go:50 +0x1\npanic({0x1?, 0x2?})\n\t/go/panic.go:860 +0x13a\n"
		nilPointer = "runtime.panicmem(...)\n\t/go/panic.go:336\nruntime.sigpanic()\n\t/go/signal.go:931 +0x2\n"
		deferred   = "main.cleanup()\n\t/src/main.go:30 +0x1\npanic({0x1?, 0x2?})\n\t/go/panic.go:860 +0x13a\n"
	)
	for name, c := range map[string][2]string{
		"a panic":                {head + above + user + below + rest, head + user},
		"of a nil pointer":       {head + above + nilPointer + user + below + rest, head + user},
		"in a deferred function": {head + above + deferred + user + below + rest, head + deferred + user},
		"below a Map in it":      {head + above + user + below + user + below + rest, head + user + below + user},
		"a stuck one":            {"goroutine 7 [select]:\n" + user + below + rest, "goroutine 7 [select]:\n" + user},
		"an injected panic":      {head + above + inEngine + "Faults.strike(...)\n\t/m/faults.go:80\n" + below + rest, "goroutine 7 [running]:"},
		"none":                   {"", ""},
	} {
		if got := trimStack(c[0]) + "\n"; got != c[1] && got != c[1]+"\n" {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c[1])
		}
	}
}
