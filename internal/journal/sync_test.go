package journal

import "testing"

// What is synced is in the file before it is closed.
func TestSync(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	defer closed(t, j)
	for n := 1; n <= 100; n++ {
		j.Append(Record{Key: Key{byte(n)}, Func: "f", Status: Failed}, one("f"))
		if err := j.Sync(); err != nil {
			t.Fatal(err)
		}
		if d, err := Describe(dir, "job"); err != nil || d.Counts[0].Failed != n {
			t.Fatalf("after %d: %+v, %v", n, d.Counts, err)
		}
	}
}
