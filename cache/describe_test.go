package cache

import (
	"context"
	"testing"
)

func TestDescribeIsAskedForWhatIsStored(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	asked := 0
	call := Call{
		Info:     Info{Func: "f"},
		Compute:  func(context.Context) (Value, error) { return Value{Data: []byte("v")}, nil },
		Describe: func(i *Info) { asked++; i.Summary = "in short" },
	}
	call.Key = call.Info.Key()
	for range 3 {
		if v, _, err := s.Do(t.Context(), call); err != nil || string(v.Data) != "v" {
			t.Fatal(v, err)
		}
	}
	if e, ok, err := s.Show(call.Key); !ok || err != nil || e.Info.Summary != "in short" || asked != 1 {
		t.Error(e, ok, err, asked)
	}
}
