// Package metrics writes what a cluster's head and agents count as Prometheus reads it, and says which metrics there are.
//
// It isn't Prometheus's own library, since an agent would grow by 1.5 MB to link that, and has 1 MB to spare:
// docs/decisions/dependencies.md.
package metrics

// Type is what a metric's values are.
type Type string

// The types that there are.
const (
	Gauge     Type = "gauge"     // goes up and down
	Counter   Type = "counter"   // goes up, and begins at 0 when its process does
	Histogram Type = "histogram" // counts how long things took, by what they took at most
)

// Desc describes a metric. docs/metrics.md has all of them.
type Desc struct {
	Name  string
	Type  Type
	Label string // each of its series has a value of it; "" for a metric of one series
	Help  string
}
