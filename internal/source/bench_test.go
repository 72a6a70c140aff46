package source

import (
	"os"
	"testing"
)

// BenchmarkAnalyse is a whole analysis, the go command included. With MUSTER_ANALYSE=DIR it is one of the module there.
func BenchmarkAnalyse(b *testing.B) {
	dir := os.Getenv("MUSTER_ANALYSE")
	if dir == "" {
		text, err := os.ReadFile("testdata/list.txtar")
		if err != nil {
			b.Fatal(err)
		}
		dir = newModule(b, string(text))
	}
	for b.Loop() {
		m, err := Analyse(b.Context(), Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if len(m.Functions) == 0 {
			b.Fatal("no functions")
		}
	}
}
