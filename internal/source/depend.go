package source

import (
	"strings"

	"github.com/zeebo/blake3"
)

// dependencies lists all that a function's fingerprint is made from: code, its order where that matters, modules
// outside, and settings.
func (r *reach) dependencies() ([]dependency, error) {
	starts := r.startsInOrder()
	names := unnamed(starts)
	var deps []dependency
	last := 0
	for n, d := range r.depth {
		if n.unit == nil {
			continue
		}
		key := n.unit.key
		if key == "" {
			key = names[n.unit]
		}
		deps = append(deps, dependency{key, n.unit.sum, d})
		last = max(last, d)
	}
	say := func(key, value string) {
		deps = append(deps, dependency{key, blake3.Sum256([]byte(value)), last + 1})
	}
	if len(r.starts) > 0 {
		var keys []string
		for _, u := range starts {
			keys = append(keys, u.key+names[u])
		}
		say("order of initialisation", strings.Join(keys, "\n"))
	}
	for path := range r.imports {
		say("import "+path, "")
	}
	for path, version := range r.modules {
		say("module "+path, version)
	}
	for path := range r.vendor {
		sum, err := r.g.all[path].vendored()
		if err != nil {
			return nil, err
		}
		deps = append(deps, dependency{"vendored " + path, sum, last + 1})
	}
	r.settings(say)
	return deps, nil
}

// settings adds those that choose files, instructions or what the language means.
func (r *reach) settings(say func(key, value string)) {
	for name, value := range r.g.env.recorded(r.g.tags) {
		say("setting "+name, value)
	}
	if x := r.g.env["GOEXPERIMENT"]; x != "" {
		say("setting GOEXPERIMENT", x)
	}
	languages := map[string]string{}
	for n := range r.depth {
		if n.unit != nil {
			languages[n.unit.pkg.Module.Path] = n.unit.pkg.Module.GoVersion
		}
	}
	for path, version := range languages {
		say("setting go directive of "+path, version)
	}
}
