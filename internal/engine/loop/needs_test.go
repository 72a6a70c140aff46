package loop_test

import (
	"context"
	"strings"
	"testing"

	"github.com/musterrun/muster/internal/engine"
)

// TestANeedThatWasForgotten: a function is called again after many others have had needs of their own, each once.
func TestANeedThatWasForgotten(t *testing.T) {
	ctx, s := openLoop(t, engine.Config{}, 1, 1)
	close(gates[0])
	if _, err := hold.Call(ctx, 0); err != nil {
		t.Fatal(err)
	}
	<-reached
	for i := range 100 {
		local := &engine.Fn[int, int]{Do: func(_ context.Context, x int) (int, error) { return x, nil }}
		local.Name, local.Local, local.Opts = "local", true, engine.Options{CPUs: 1 + float64(i)/1000}
		local.InPlan, local.OutPlan, local.InRefs, local.OutRefs = inc.InPlan, inc.OutPlan, inc.InRefs, inc.OutRefs
		if v, err := local.Call(ctx, i); v != i || err != nil {
			t.Fatal(v, err)
		}
	}
	hold.Go(ctx, 1)
	<-reached
	if got := why(s, 102); !strings.HasPrefix(got, "loop.hold #102 runs on node a for") {
		t.Error("it doesn't run on the node:", got)
	}
}
