package engine

import (
	"strings"
	"testing"
	"time"
)

// The hint speaks of what the tasks could have had: the driver's own cores say nothing of a cluster.
func TestHintOfOneAtATime(t *testing.T) {
	one := load{ran: 20, most: 1, busy: 2 * time.Second}
	two := load{ran: 20, most: 2, busy: 2 * time.Second}
	for _, row := range []struct {
		l       load
		cpus    float64
		cluster bool
		want    string
	}{{one, 4, false, "on 4 cores:"}, {one, 1, false, ""}, {one, 1, true, "on a cluster:"}, {two, 4, false, ""}, {two, 4, true, ""}} {
		if got := row.l.hint(row.cpus, row.cluster); !strings.Contains(got, row.want) || (row.want == "") != (got == "") {
			t.Errorf("%v CPUs, cluster %v: %q, want %q", row.cpus, row.cluster, got, row.want)
		}
	}
}
