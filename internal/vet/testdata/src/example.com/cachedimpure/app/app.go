package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"time"

	"example.com/cachedimpure/clock"
	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cache"
)

var policy = cache.Policy{}

var keep = muster.Cached(policy)

var (
	price  = muster.Func("price", muster.Plain(func(x int) int { return x * time.Now().Year() }), muster.IO(), muster.Cached(policy)) // want `Func "price" is Cached and reaches time.Now \(app.go:\d+\), so its result isn't the argument's alone`
	noise  = muster.Func("noise", muster.Plain(noisy), keep)                                                                          // want `Func "noise" is Cached and reaches math/rand/v2.IntN`
	token  = muster.Func("token", func(context.Context, int) (string, error) { return rand.Text(), nil }, keep)                       // want `reaches crypto/rand.Text`
	age    = muster.Func("age.cached", muster.Plain(func(born int) int { return clock.Year() - born }), keep)                         // want `reaches time.Now \(example.com/cachedimpure/clock/clock.go:\d+\)`
	later  = clock.Age.With(muster.Cached(policy))                                                                                    // want `clock.Age is Cached and reaches time.Now`
	plain  = muster.Func("plain", muster.Plain(noisy))
	copied = plain.Weight(func(int) float64 { return 1 }).CacheKey(func(x int) int { return x }).With(muster.Retries(1), keep)                   // want `Func "plain" is Cached and reaches math/rand/v2.IntN`
	took   = muster.Func("took", func(context.Context, int) (time.Duration, error) { start := time.Now(); return time.Since(start), nil }, keep) // want `reaches time.Now`
)

func noisy(x int) int { return x + mathrand.IntN(10) }

func options() {
	opts := []muster.Option{muster.Retries(1), muster.Cached(policy)}
	f := muster.Local(muster.Plain(noisy), opts...) // want `a Local function is Cached and reaches math/rand/v2.IntN`
	_ = f
}

// What follows gives the same for the same argument, or isn't cached.
var (
	double = muster.Func("double", func(ctx context.Context, x int) (int, error) {
		start := time.Now()
		defer func() { log.Print("double took ", time.Since(start)) }()
		ctx, cancel := context.WithDeadline(ctx, time.Now().Add(time.Second))
		defer cancel()
		time.Sleep(mathrand.N(time.Millisecond))
		took := time.Since(start)
		slog.Info("double", "took", took)
		fmt.Fprintln(os.Stderr, took)
		return 2 * x, ctx.Err()
	}, keep)
	seeded = muster.Func("seeded", muster.Plain(func(seed uint64) int {
		return mathrand.New(mathrand.NewPCG(seed, seed)).IntN(10)
	}), keep)
	fixed = muster.Func("fixed", muster.Plain(func(x int) time.Time { return time.Unix(int64(x), 0).Add(time.Hour) }), keep)
	tool  = muster.Func("tool", muster.PlainErr(func(s string) ([]byte, error) { return exec.Command(s).Output() }), keep)
	twice = clock.Twice.With(keep)
	dice  = muster.Func("dice", muster.Plain(noisy), muster.Retries(2))
	tired = clock.Age.With(muster.Retries(2))
)
