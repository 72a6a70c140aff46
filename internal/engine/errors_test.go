package engine

import (
	"errors"
	"testing"
)

func TestTaskErrorNamesEachFunctionOnce(t *testing.T) {
	leaf := &TaskError{Func: "fib", Item: -1, Attempt: 1, Err: errors.New("no")}
	up := func(name string, item, attempt int, err error) error {
		return &TaskError{Func: name, Item: item, Attempt: attempt, Err: err}
	}
	for want, err := range map[string]error{
		"fib: no":                         up("fib", -1, 1, up("fib", -1, 1, leaf)),
		"sum: fib: no":                    up("sum", -1, 1, up("fib", -1, 0, leaf)),
		"fib: attempt 2: fib: no":         up("fib", -1, 2, leaf),
		"fib: item 3: fib: no":            up("fib", 3, 1, leaf),
		"sum: item 0: attempt 5: fib: no": up("sum", 0, 5, leaf),
	} {
		if got := err.Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
