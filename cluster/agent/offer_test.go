package agent

import (
	"fmt"
	"testing"
	"time"
)

// An offer that may have got lost is made again soon, and then less and less often.
func TestPatienceOfOffers(t *testing.T) {
	for most, want := range map[time.Duration]string{
		30 * time.Second: "2s 4s 8s 16s 32s 1m2s 1m32s", time.Second: "1s 2s 3s 4s 5s 6s 7s",
	} {
		o := &offered{since: time.Unix(1000, 0)}
		o.at = o.since
		got := ""
		for i := range 7 {
			o.at = o.at.Add(o.patience(most))
			if i > 0 {
				got += " "
			}
			got += fmt.Sprint(o.at.Sub(o.since))
		}
		if got != want {
			t.Errorf("at most every %v: at %s, want %s", most, got, want)
		}
	}
}
