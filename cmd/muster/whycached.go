package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/fingerprint"
	"github.com/musterrun/muster/internal/source"
)

func newWhyCached() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why-cached FUNCTION",
		Short: "Explain why a result was computed although there were others of the function",
		Long: `Compares the newest cached result of a function with the one that is nearest to it, of the same argument if there is
one, and says what differs: which of the functions it calls has changed, the declared version, or which field of the
argument. In a folder of the module
that registers the function it also says how many of the results that are cached have the code as it stands.`,
		Args: cobra.ExactArgs(1),
	}
	dir, asJSON := addDir(cmd), addJSON(cmd)
	key := cmd.Flags().String("key", "", "explain this result, by the beginning of its key, instead of the newest")
	cmd.RunE = withCache(dir, func(cmd *cobra.Command, s *cache.Store, args []string) error {
		list := entries(s, func(e cache.Entry) bool { return e.Info.Func == args[0] })
		if len(list) == 0 {
			return fmt.Errorf("no result of %s is cached: is it the registered name, and has it the option Cached?", args[0])
		}
		x := explanation{Func: args[0], Results: len(list), store: s}
		this := slices.MaxFunc(list, func(a, b cache.Entry) int { return a.Created.Compare(b.Created) })
		if *key != "" {
			var err error
			if this, err = find(s, *key); err != nil {
				return err
			}
			if this.Info.Func != args[0] {
				return fmt.Errorf("the result %s is of %s, not of %s", *key, this.Info.Func, args[0])
			}
		}
		x.explain(this, list)
		x.compareSource(cmd, list)
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), x)
		}
		x.print(cmd.OutOrStdout())
		return nil
	})
	return cmd
}

// explanation is why a result was computed.
type explanation struct {
	Func    string    `json:"func"`
	Results int       `json:"results"`
	Key     string    `json:"key"`
	Stored  time.Time `json:"stored"`
	Nearest string    `json:"nearest,omitempty"` // the key of the result that it is compared with
	Differs []string  `json:"differs,omitempty"`
	Now     []string  `json:"now,omitempty"`      // what differs between the code of the results and that in this folder
	NowSame int       `json:"now_same,omitempty"` // results that were computed by the code as it is in this folder
	// NowVersions counts these by the declared version. Which one the code in this folder declares, and its CacheKey, is
	// known only when it runs.
	NowVersions map[string]int `json:"now_versions,omitempty"`
	NowErr      string         `json:"now_error,omitempty"`
	looked      bool

	store *cache.Store
}

// explain compares an entry with the nearest one stored before it.
//
// An equal argument counts more than equal code: other items of the same run are never why one of them was computed,
// however little they differ from it.
func (x *explanation) explain(this cache.Entry, list []cache.Entry) {
	x.Key, x.Stored = this.Key.String(), this.Created
	var nearest *cache.Entry
	var fewest []string
	for i := range list {
		e := &list[i]
		if e.Key == this.Key || e.Created.After(this.Created) {
			continue
		}
		far := 1
		if nearest != nil {
			far = cmp.Compare(argumentApart(&e.Info, &this.Info), argumentApart(&nearest.Info, &this.Info))
		}
		if nearest != nil && far > 0 {
			continue
		}
		d := x.differences(this, *e)
		if nearest == nil || cmp.Or(far, cmp.Compare(len(d), len(fewest)), nearest.Created.Compare(e.Created)) < 0 {
			nearest, fewest = e, d
		}
	}
	if nearest != nil {
		x.Nearest, x.Differs = nearest.Key.String(), fewest
	}
}

// argumentApart is how far the arguments of two results are from each other: 0 if they are equal, 1 if they look equal,
// which is so for one argument under two CacheKeys, and 2 if they differ.
func argumentApart(a, b *cache.Info) int {
	switch {
	case a.Args == b.Args:
		return 0
	case a.Summary == b.Summary && slices.Equal(a.Fields, b.Fields):
		return 1
	}
	return 2
}

func (x *explanation) differences(this, old cache.Entry) []string {
	var lines []string
	for _, line := range this.Info.Changes(&old.Info) {
		if line == "the code has changed" {
			if units := x.codeChanges(x.units(old.Info.Fingerprint), x.units(this.Info.Fingerprint)); len(units) > 0 {
				lines = append(lines, units...)
				continue
			}
		}
		if line == "the arguments differ" && argumentApart(&this.Info, &old.Info) == 1 {
			line = "the arguments look equal: what isn't shown of them differs, or the CacheKey, for which the executable " +
				"stands if no version is declared"
		}
		lines = append(lines, line)
	}
	return lines
}

// units is what a fingerprint was made from, if it was kept.
func (x *explanation) units(fp string) []fingerprint.Unit {
	data, ok, err := x.store.Units(fp)
	if !ok || err != nil {
		return nil
	}
	var units []fingerprint.Unit
	if json.Unmarshal(data, &units) != nil {
		return nil
	}
	return units
}

// mostChanges is how many changes of the code are named.
const mostChanges = 10

func (x *explanation) codeChanges(old, now []fingerprint.Unit) []string {
	if old == nil || now == nil {
		return []string{"the code has changed (one of the two has no fingerprint: it was known by its executable)"}
	}
	var lines []string
	changes := source.Explain(old, now)
	for i, c := range changes {
		if i == mostChanges {
			lines = append(lines, fmt.Sprintf("the code: %d more changes", len(changes)-i))
			break
		}
		lines = append(lines, "the code: "+inWords(c))
	}
	return lines
}

// compareSource looks whether the results hold for the code in this folder, if it registers the function.
func (x *explanation) compareSource(cmd *cobra.Command, list []cache.Entry) {
	m, err := source.Analyse(cmd.Context(), source.Config{Patterns: []string{"./..."}})
	if err != nil {
		return // not in a module
	}
	i := slices.IndexFunc(m.Functions, func(f source.Function) bool { return f.Name == x.Func })
	if i < 0 {
		return
	}
	f := m.Functions[i]
	x.looked = true
	if f.Fingerprint == "" {
		x.NowErr = "its code has no fingerprint: see muster fingerprint"
		return
	}
	newest := slices.MaxFunc(list, func(a, b cache.Entry) int { return a.Created.Compare(b.Created) })
	old := x.units(newest.Info.Fingerprint)
	x.NowVersions = map[string]int{}
	for _, e := range list {
		if units := x.units(e.Info.Fingerprint); units != nil && len(source.Explain(units, f.Units)) == 0 {
			x.NowSame++
			x.NowVersions[e.Info.Version]++
		}
	}
	if x.NowSame == 0 {
		x.Now = x.codeChanges(old, f.Units)
	}
}
