package fair

import (
	"fmt"
	"testing"
)

// BenchmarkDivide is what a head does with each renewal of a job whose user has limits.
func BenchmarkDivide(b *testing.B) {
	for _, jobs := range []int{50, 500} {
		claims := make([]Claim, jobs)
		for i := range claims {
			task := Amounts{cpu, 1 << 30}
			claims[i] = Claim{Most: Amounts{0, 0}, Has: task, Least: task, Want: Amounts{64 * cpu, 1 << 40}, Last: int64(i)}
		}
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			for b.Loop() {
				Divide(Amounts{1000 * cpu, 1 << 40}, Amounts{cpu, 1}, claims)
			}
		})
	}
}
