package benchmarks

// Variant is one way to do the work for each item of a slice.
type Variant struct {
	Name string
	Kind Kind
	// Single says that each item is handed over on its own, so that the price of a task shows.
	Single bool
	// Open makes what a program makes once, such as a pool: it isn't measured. Map gives the results in the order of
	// the items, or the first error it meets; unordered variants put them in order themselves.
	Open func(w *Work) (run Map, stop func())
}

// Map applies a work's function to all items.
type Map func(in []int) ([]int, error)

// Kind says whose a variant is.
type Kind int

// A table compares Muster with the fastest Library; ByHand is for orientation.
const (
	ByHand Kind = iota
	Library
	Muster
)

// Maps are the variants for which all items are there at once.
var Maps = []Variant{
	{Name: "by hand", Kind: ByHand, Open: each(byHand)},
	{Name: "errgroup", Kind: Library, Single: true, Open: each(errgroupMap)},
	{Name: "conc iter", Kind: Library, Open: each(concIter)},
	{Name: "conc stream", Kind: Library, Single: true, Open: each(concStream)},
	{Name: "conc pool", Kind: Library, Single: true, Open: each(concPool)},
	{Name: "pond Go", Kind: Library, Single: true, Open: each(pondGo)},
	{Name: "pond group", Kind: Library, Single: true, Open: pondGroup},
	{Name: "Map", Kind: Muster, Open: session(musterMap)},
	{Name: "Unordered", Kind: Muster, Open: session(musterUnordered)},
	{Name: "Go+Get", Kind: Muster, Single: true, Open: session(musterGo)},
}

// Calls are the variants that wait for each item before they begin the next: the price of a round trip.
var Calls = []Variant{
	{Name: "by hand", Kind: ByHand, Single: true, Open: each(byHandCalls)},
	{Name: "errgroup", Kind: Library, Single: true, Open: each(errgroupCalls)},
	{Name: "conc", Kind: Library, Single: true, Open: each(concCalls)},
	{Name: "pond", Kind: Library, Single: true, Open: pondCalls},
	{Name: "Call", Kind: Muster, Single: true, Open: session(musterCalls)},
}

// each opens a variant that has nothing to keep between runs.
func each(run func(w *Work, in []int) ([]int, error)) func(*Work) (Map, func()) {
	return func(w *Work) (Map, func()) {
		return func(in []int) ([]int, error) { return run(w, in) }, func() {}
	}
}
