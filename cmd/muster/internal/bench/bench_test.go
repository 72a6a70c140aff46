package bench

import (
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In this process the same is measured as on a cluster.
func TestDrive(t *testing.T) {
	var at []Pause
	f, err := Drive(t.Context(), Size{Calls: 100, Tasks: 1000, Items: 10_000, Leaves: 64, Rounds: 2}, func(p Pause) error {
		at = append(at, p)
		return nil
	})
	if err != nil || !slices.Equal(at, []Pause{First, Calls, Calls, Resident, Tasks, Tasks, Items, Items}) {
		t.Errorf("pauses %v, %v", at, err)
	}
	if f.CallP50 <= 0 || f.CallP99 < f.CallP50 || f.Tasks <= 0 || f.Items <= 0 || f.Tree <= 0 {
		t.Errorf("figures %+v", f)
	}
	if got := (Size{Tasks: 5}).WithDefaults(); got.Tasks != 5 || got.Calls != 2000 || got.Rounds != 3 {
		t.Errorf("defaults %+v", got)
	}
}
