package head

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Whatever a request holds, it is carried out or refused with a line, and the head goes on.
func TestHostileRequests(t *testing.T) {
	s := newScene(t, start)
	ops := slices.Sorted(maps.Keys(operations))
	callers := []caller{
		{name: "admin", role: join.RoleAdmin}, {name: "eve", role: join.RoleUser}, {name: s.evil, role: join.RoleJob},
		{name: s.next.Who, role: join.RoleAgent}, {},
	}
	values := []string{
		"null", "0", "-1", "1e400", "9223372036854775807", `""`, `"x"`, "[]", "{}", "[{}]", "true", `"\u0000"`,
		`"` + s.evil + `"`, `"` + join.HashBlob(nil) + `"`,
	}
	fields := []string{
		"job", "name", "node", "epoch", "read", "hash", "size", "offset", "most", "role", "user", "uses", "life", "id", "binaries",
		"files", "functions", "labels", "named", "public_key", "major", "take_over", "driver", "opened", "drivers", "attempt",
		"code", "tail", "env", "life",
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(callers).Draw(t, "caller")
		op := rapid.SampledFrom(ops).Draw(t, "op")
		if op == protocol.OpDropIdentity {
			return // it would end the scene
		}
		var b strings.Builder
		b.WriteString("{")
		for i, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 0, 5, rapid.ID).Draw(t, "fields") {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(`"` + f + `":` + rapid.SampledFrom(values).Draw(t, f))
		}
		b.WriteString(rapid.SampledFrom([]string{"}", "}\nbytes", "", "\n", "}}"}).Draw(t, "end"))
		_, _, err := s.carryOut(c, op, []byte(b.String()))
		if err == nil {
			return
		}
		r := asRefusal(err)
		if r.Code == protocol.CodeInternal || r.Text == "" || strings.Contains(r.Text, "\n") {
			t.Errorf("%s by %v with %s: %+v", op, c, b.String(), r)
		}
	})
	s.annJ.ask(protocol.OpRenewJob, protocol.RenewJob{Job: s.job, Epoch: 1}, nil)
}
