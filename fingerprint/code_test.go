package fingerprint

import (
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// The tests of this package change the registry, which is global, so none of them runs in parallel.

func TestOfGivesTheFingerprint(t *testing.T) {
	fresh(t, nil)
	c, err := Of("f")
	if err != nil || c.Reason != nil || c.ID != id {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestOfSaysWhatDisagrees(t *testing.T) {
	executable, err := Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Record)
		after  func()
		want   string
		kind   Kind
	}{
		"another name": {
			change: func(r *Record) { r.Functions[0].Name = "g" },
			kind:   Absent, want: "no generated file has it: run `muster fingerprint ./...`",
		},
		"opaque": {
			change: func(r *Record) { r.Functions[0].ID, r.Functions[0].Opaque = "", "cgo's\nC.f" },
			kind:   Opaque, want: "can't be made: cgo's C.f",
		},
		"format": {
			after: func() { register("example.com/a", files("package a"), "muster 999\n") },
			kind:  Format, want: "the file in example.com/a is of another version of muster",
		},
		"missing": {
			change: func(r *Record) { r.Packages[1].Path = "example.com/c" },
			kind:   Missing, want: "it reaches example.com/c, which has no generated file",
		},
		"edited": {
			after: func() { register("example.com/b", files("package b // edited"), "") },
			kind:  Changed, want: "the sources of example.com/b changed",
		},
		"module": {
			change: func(r *Record) {
				r.Modules = []Version{{"example.com/dep", "v1.2.3"}}
				r.Functions[0].Modules = []int{0}
			},
			kind: Dependency, want: "made with example.com/dep v1.2.3, linked with none",
		},
		"go version": {
			change: func(r *Record) { r.Settings["go"] = "go1.1" },
			kind:   Environment, want: "made for go=go1.1, runs with",
		},
		"main module": {
			change: func(r *Record) { r.Settings[MainModules] = "example.com/a,example.com/b" },
			kind:   Environment, want: `made for main=example.com/a,example.com/b, runs with "github.com/musterrun/muster"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			fresh(t, c.change)
			if c.after != nil {
				c.after()
			}
			got, err := Of("f")
			if err != nil || got.ID != executable || got.Reason == nil || got.Reason.Kind != c.kind {
				t.Fatalf("got %+v, %v", got, err)
			}
			if text := got.Reason.Error(); !strings.HasPrefix(text, "fingerprint of f: ") || !strings.Contains(text, c.want) {
				t.Errorf("got %s\nwant %s", text, c.want)
			}
		})
	}
}

func TestBuildInformationCounts(t *testing.T) {
	dep := &debug.Module{Path: "example.com/dep", Version: "v1.2.3"}
	fork := &debug.Module{Path: "example.com/dep", Version: "v1.2.3", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.0"}}
	for name, c := range map[string]struct {
		info func(*debug.BuildInfo)
		kind string
	}{
		"same version":  {func(i *debug.BuildInfo) { i.Deps = append(i.Deps, dep) }, "fresh"},
		"replaced":      {func(i *debug.BuildInfo) { i.Deps = append(i.Deps, fork) }, "dependency"},
		"not linked":    {func(*debug.BuildInfo) {}, "dependency"},
		"tags":          {func(i *debug.BuildInfo) { i.Deps = append(i.Deps, dep); set(i, "-tags", "x") }, "environment"},
		"linker":        {func(i *debug.BuildInfo) { i.Deps = append(i.Deps, dep); set(i, "-ldflags", "-X example.com/a.F=1") }, "environment"},
		"linker, main":  {func(i *debug.BuildInfo) { i.Deps = append(i.Deps, dep); set(i, "-ldflags", "-X main.F=1") }, "environment"},
		"linker, other": {func(i *debug.BuildInfo) { i.Deps = append(i.Deps, dep); set(i, "-ldflags", "-X example.com/a.FF=1") }, "fresh"},
	} {
		t.Run(name, func(t *testing.T) {
			pretend(t, c.info)
			fresh(t, func(r *Record) {
				r.Modules = []Version{{dep.Path, dep.Version}}
				r.Functions[0].Modules = []int{0}
				r.Settings["-tags"] = ""
			})
			kind := "fresh"
			if got, err := Of("f"); err != nil {
				t.Fatal(err)
			} else if got.Reason != nil {
				kind = got.Reason.Kind.String()
			}
			if kind != c.kind {
				t.Errorf("got %s, want %s", kind, c.kind)
			}
		})
	}
}

// An open function minds other packages where they are linked, and main packages that nobody analysed.
func TestGuards(t *testing.T) {
	open := func(r *Record) {
		r.Functions[0].Packages, r.Functions[0].Guards, r.Functions[0].Open = []int{0}, []int{1}, true
	}
	for name, c := range map[string]struct {
		change func(*Record)
		path   string
		after  func()
		kind   string
	}{
		"known main":           {open, "example.com/b", nil, "fresh"},
		"unknown main":         {open, "example.com/new", nil, "environment"},
		"unknown main, closed": {nil, "example.com/new", nil, "fresh"},
		"test":                 {open, "example.com/a.test", nil, "fresh"},
		"guard edited":         {open, "example.com/a", func() { register("example.com/b", files("package b // edited"), "") }, "changed"},
		"guard that isn't there": {open, "example.com/a", func() {
			registry.Lock()
			delete(registry.packages, "example.com/b")
			registry.Unlock()
		}, "fresh"},
	} {
		t.Run(name, func(t *testing.T) {
			pretend(t, func(i *debug.BuildInfo) { i.Path = c.path })
			fresh(t, c.change)
			if c.after != nil {
				c.after()
			}
			kind := "fresh"
			if got, err := Of("f"); err != nil {
				t.Fatal(err)
			} else if got.Reason != nil {
				kind = got.Reason.Kind.String()
			}
			if kind != c.kind {
				t.Errorf("got %s, want %s", kind, c.kind)
			}
		})
	}
}

func set(i *debug.BuildInfo, key, value string) {
	i.Settings = append(i.Settings, debug.BuildSetting{Key: key, Value: value})
}

func TestTagsInAnyOrder(t *testing.T) {
	pretend(t, func(i *debug.BuildInfo) { set(i, "-tags", "b,a a") })
	fresh(t, func(r *Record) { r.Settings["-tags"] = SortTags("a b") })
	if c, err := Of("f"); err != nil || c.Reason != nil {
		t.Errorf("got %+v, %v", c, err)
	}
}

// The main package can choose other defaults for GODEBUG, and the fingerprint is the same in all programs.
func TestGodebugDefaultsMakeAnotherID(t *testing.T) {
	ids := map[string]bool{id: true}
	for _, d := range []string{"panicnil=1", "panicnil=0"} {
		pretend(t, func(i *debug.BuildInfo) { set(i, "DefaultGODEBUG", d) })
		fresh(t, nil)
		c, err := Of("f")
		if err != nil || c.Reason != nil || ids[c.ID] || !looksLikeID(c.ID) {
			t.Errorf("%s: got %+v, %v", d, c, err)
		}
		ids[c.ID] = true
	}
}

func looksLikeID(s string) bool { return regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(s) }

// A registration after a question, as by a package that asks while it is initialised, makes earlier answers void.
func TestLateRegistration(t *testing.T) {
	fresh(t, nil)
	if c, err := Of("late"); err != nil || c.Reason == nil || Units("late") != nil {
		t.Fatalf("got %+v, %v", c, err)
	}
	register("example.com/a", files("package a"), record("late", nil))
	if c, err := Of("late"); err != nil || c.Reason != nil {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestUnitsAreNearestFirst(t *testing.T) {
	fresh(t, nil)
	got := Units("f")
	want := []Unit{{"example.com/b.G", [8]byte{2}, 0}, {"example.com/a.F", [8]byte{1}, 1}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConcurrentUse(t *testing.T) {
	fresh(t, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				c, err := Of([]string{"f", "none"}[i%2])
				if err != nil || (c.Reason == nil) != (i%2 == 0) {
					t.Errorf("got %+v, %v", c, err)
				}
				if i == 7 {
					register("example.com/c", files("package c"), "")
					Units("f")
				}
			}
		})
	}
	wg.Wait()
}

// Nothing is read or hashed before the first question.
func TestLazy(t *testing.T) {
	fresh(t, nil)
	read := 0
	register("example.com/b", counting{files("package b"), &read}, "")
	if read > 0 {
		t.Fatal("a registration reads files")
	}
	for range 3 {
		if c, err := Of("f"); err != nil || c.Reason != nil {
			t.Fatalf("got %+v, %v", c, err)
		}
	}
	if read != 2 { // a.go and sub/x_test.go
		t.Errorf("read %d files, want 2", read)
	}
}
