package fingerprint

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// MainModules is the setting that lists the modules, with commas between them, whose programs were analysed as a whole.
// In a program of another module more code may be linked that the analysis didn't see.
const MainModules = "main"

// build is what is known of the program that runs.
type build struct {
	path     string // of the main package
	main     string // the module of the main package
	settings map[string]string
	modules  map[string]string // path to version, or to what replaces it
	known    bool
}

var running = sync.OnceValue(func() *build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return &build{}
	}
	return describe(info)
})

func describe(info *debug.BuildInfo) *build {
	b := &build{path: info.Path, main: info.Main.Path, settings: map[string]string{}, modules: map[string]string{}, known: true}
	for _, s := range info.Settings {
		b.settings[s.Key] = s.Value
	}
	b.settings["go"] = runtime.Version()
	b.settings["GOOS"], b.settings["GOARCH"] = runtime.GOOS, runtime.GOARCH
	b.settings["-tags"] = SortTags(b.settings["-tags"])
	for _, m := range info.Deps {
		if m != nil {
			b.modules[m.Path] = VersionOf(m)
		}
	}
	return b
}

// VersionOf is the version that a record and a program are compared by.
func VersionOf(m *debug.Module) string {
	if r := m.Replace; r != nil {
		return r.Path + "@" + r.Version
	}
	return m.Version
}

// SortTags puts a list of build tags, separated by commas or spaces, in order.
func SortTags(tags string) string {
	list := strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}

// mix adds to a fingerprint what only the program knows: the defaults of GODEBUG that its main package chooses.
func (b *build) mix(id string) string {
	if d := b.settings["DefaultGODEBUG"]; d != "" {
		return hashID("fingerprint", id, d)
	}
	return id
}

// check tells what disagrees with the program that runs; nil if nothing does. The registry is locked.
func (f *function) check() *Reason {
	b := running()
	if !b.known {
		return f.because(Environment, "build information", "present", "")
	}
	for _, r := range []*Reason{f.checkSettings(b), f.checkModules(b), f.checkMain(b), f.checkSources()} {
		if r != nil {
			return r
		}
	}
	return nil
}

func (f *function) because(kind Kind, culprit, was, is string) *Reason {
	return &Reason{Kind: kind, Function: f.name, Culprit: culprit, Was: was, Is: is}
}

func (f *function) checkSettings(b *build) *Reason {
	for _, name := range slices.Sorted(maps.Keys(f.record.Settings)) {
		was := f.record.Settings[name]
		is := b.settings[name]
		if name == MainModules && slices.Contains(strings.Split(was, ","), b.main) {
			continue
		}
		if name == MainModules {
			is = b.main
		}
		if is != was {
			return f.because(Environment, name, was, is)
		}
	}
	return f.checkLinker(b.settings["-ldflags"])
}

// checkLinker looks for variables that the linker sets. It knows package main by that name alone.
func (f *function) checkLinker(flags string) *Reason {
	if !strings.Contains(flags, "-X") {
		return nil
	}
	for _, level := range f.entry.Units {
		for _, i := range level {
			key := f.record.Units[i].Key
			inMain := "main" + key[max(0, strings.LastIndexByte(key, '.')):]
			if strings.Contains(flags, key+"=") || strings.Contains(flags, inMain+"=") {
				return f.because(Environment, "-ldflags -X "+key, "", flags)
			}
		}
	}
	return nil
}

func (f *function) checkModules(b *build) *Reason {
	for _, i := range f.entry.Modules {
		m := f.record.Modules[i]
		if is := b.modules[m.Path]; is != m.Version {
			return f.because(Dependency, m.Path, m.Version, is)
		}
	}
	return nil
}

// checkMain wants a main package that was analysed, if one could matter. That of a test is none that anybody wrote.
func (f *function) checkMain(b *build) *Reason {
	if !f.entry.Open || strings.HasSuffix(b.path, ".test") {
		return nil
	}
	for _, i := range slices.Concat(f.entry.Packages, f.entry.Guards) {
		if f.record.Packages[i].Path == b.path {
			return nil
		}
	}
	return f.because(Environment, "main package", "one that was analysed", b.path)
}

func (f *function) checkSources() *Reason {
	for _, i := range f.entry.Packages {
		want := f.record.Packages[i]
		p := registry.packages[want.Path]
		if p == nil {
			return f.because(Missing, want.Path, "", "")
		}
		if sum, err := p.sum(); err != nil || sum != want.Sum {
			return f.because(Changed, want.Path, want.Sum, sum)
		}
	}
	for _, i := range f.entry.Guards {
		want := f.record.Packages[i]
		p := registry.packages[want.Path]
		if p == nil {
			continue // it isn't linked: a test links less than a program
		}
		if sum, err := p.sum(); err != nil || sum != want.Sum {
			return f.because(Changed, want.Path, want.Sum, sum)
		}
	}
	return nil
}
