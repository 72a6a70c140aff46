package pages

import "testing"

func BenchmarkGiveBack(b *testing.B) {
	for b.Loop() {
		GiveBack()
	}
}
