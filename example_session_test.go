package muster_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/musterrun/muster"
)

// A session with limits of its own, for a library or a server; a program uses Main, a small one needs neither.
func ExampleOpen() {
	session, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	square := muster.Local(muster.Plain(func(x int) int { return x * x }))
	fmt.Println(square.Call(ctx, 9))
	// Output: 81 <nil>
}

// A request's own context with the server's session: its work ends with the request.
func ExampleSession_Context() {
	session, _, err := muster.Open(context.Background(), muster.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	forever := muster.Local(func(ctx context.Context, _ struct{}) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	request, hangUp := context.WithCancel(context.Background())
	ref := forever.Go(session.Context(request), struct{}{})
	hangUp()
	fmt.Println(errors.Is(ref.Wait(context.Background()), context.Canceled))
	// Output: true
}

// Close cancels what still runs and waits for it. Results that are there stay; all else is ErrClosed.
func ExampleSession_Close() {
	session, ctx, err := muster.Open(context.Background(), muster.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	square := muster.Local(muster.Plain(func(x int) int { return x * x }))
	forever := muster.Local(func(ctx context.Context, _ struct{}) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	early, late := square.Go(ctx, 5), forever.Go(ctx, struct{}{})
	if err := early.Wait(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(session.Close())

	fmt.Println(early.Get(context.Background()))
	fmt.Println(errors.Is(late.Wait(context.Background()), muster.ErrClosed))
	// Output:
	// <nil>
	// 25 <nil>
	// true
}

// A session's own totals; in Ray: ray.init(resources={"license": 1}). What can never fit is an error at once.
func ExampleConfig_resources() {
	session, ctx, err := muster.Open(context.Background(), muster.Config{Resources: map[string]float64{"license": 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	solve := muster.Local(muster.Plain(func(x int) int { return -x }), muster.Resource("license", 1))
	fmt.Println(solve.Call(ctx, 3))
	_, err = solve.With(muster.Resource("license", 2)).Call(ctx, 3)
	fmt.Println(err)
	// Output:
	// -3 <nil>
	// local: it needs Resource("license", 2), and the session has 1: lower it, or raise Config.Resources
}
