package muster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// A timeout says what the function returned when its time was over: it often names the step that took so long.
func TestTimeoutKeepsTheFunctionsError(t *testing.T) {
	type end struct {
		name string
		ends func(ctx context.Context) error
		want string
		is   error
	}
	stay := make(chan struct{})
	for _, c := range []end{
		{"its own", func(context.Context) error { return fmt.Errorf("close: %w", io.ErrUnexpectedEOF) },
			"local: timeout after 1s: context deadline exceeded: close: unexpected EOF", io.ErrUnexpectedEOF},
		{"its context's", func(ctx context.Context) error { return ctx.Err() }, "local: timeout after 1s: context deadline exceeded", nil},
		{"its context's, with the place", func(ctx context.Context) error { return fmt.Errorf("query: %w", ctx.Err()) },
			"local: timeout after 1s: query: context deadline exceeded", nil},
		{"none", func(context.Context) error { return nil }, "local: timeout after 1s: context deadline exceeded", nil},
		{"a panic", func(context.Context) error { panic("late") }, "local: timeout after 1s: context deadline exceeded: panic: late", nil},
		{"it stays", func(context.Context) error { <-stay; return nil },
			"local: timeout after 1s: context deadline exceeded: its function hasn't returned within 10s of its cancel", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			stay = make(chan struct{})
			s, ctx, err := muster.Open(context.Background(), muster.Config{})
			if err != nil {
				t.Fatal(err)
			}
			f := muster.Local(func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				return 0, c.ends(ctx)
			}, muster.Timeout(time.Second))
			_, err = f.Call(ctx, 0)
			var te *muster.TaskError
			switch {
			case !errors.As(err, &te) || te.Error() != c.want || !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			case c.is != nil && !errors.Is(err, c.is):
				t.Errorf("%s: %v isn't %v", c.name, err, c.is)
			case (te.Stack != "") != (c.name == "a panic"):
				t.Errorf("%s: stack %q", c.name, te.Stack)
			}
			close(stay)
			synctest.Wait()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPanicStackBeginsWithTheUsersFrame(t *testing.T) {
	ctx := open(t, muster.Config{})
	for name, do := range map[string]func(){"value": func() { panic("x") }, "nil pointer": func() { var p *int; *p = 1 }} {
		f := muster.Local(func(context.Context, int) (int, error) { do(); return 0, nil })
		_, call := f.Call(ctx, 0)
		_, inMap := muster.Collect(f.Map(ctx, count(1)))
		for _, err := range []error{call, inMap} {
			var te *muster.TaskError
			if !errors.As(err, &te) {
				t.Fatal(err)
			}
			lines := strings.Split(te.Stack, "\n")
			if len(lines) != 5 || !strings.HasPrefix(lines[1], "github.com/musterrun/muster_test.TestPanicStackBeginsWithTheUsersFrame.func") {
				t.Errorf("%s:\n%s", name, te.Stack)
			}
		}
	}
}
