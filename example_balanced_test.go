package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/musterrun/muster"
)

var errBusy = errors.New("busy")

// model stands for something that is slow to load. It is busy the first time it is asked about a number.
type model struct {
	mu    sync.Mutex
	asked map[int]bool
}

func (m *model) predict(x int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.asked[x] {
		m.asked[x] = true
		return 0, errBusy
	}
	return 2 * x, nil
}

// openModel opens each file once in a process, however many tasks ask for it.
var openModel = muster.PerProcess(func(_ context.Context, file string) (*model, error) {
	fmt.Println("open", file)
	return &model{asked: map[int]bool{}}, nil
})

type question struct {
	File string // travels with the task: any process can open it
	X    int
}

var predict = muster.Func("balanced.predict", func(ctx context.Context, q question) (int, error) {
	m, err := openModel(ctx, q.File)
	if err != nil {
		return 0, err
	}
	return m.predict(q.X)
},
	muster.Retries(3),
	muster.Backoff(time.Microsecond, time.Millisecond),
	muster.RetryIf(func(err error) bool { return errors.Is(err, errBusy) }))

// A load-balanced map with retries, over a model that is opened once.
// In ipyparallel: client[:].execute("m = load(file)"), view = client.load_balanced_view(), view.retries = 3 and
// view.map(f, xs).
func Example_loadBalanced() {
	questions := slices.Values([]question{{"big.model", 1}, {"big.model", 2}, {"big.model", 3}})
	fmt.Println(muster.Collect(predict.Map(context.Background(), questions)))
	// Output:
	// open big.model
	// [2 4 6] <nil>
}
