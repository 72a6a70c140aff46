package source

import (
	"context"
	"encoding/json"
	"fmt"
	"go/build/constraint"
	"strings"

	"github.com/musterrun/muster/fingerprint"
)

// goenv is what the go command says about itself.
type goenv map[string]string

// levels are the settings that choose an architecture's instructions: a fused multiplication and addition rounds once.
var levels = []string{
	"GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
}

func (g golang) settings(ctx context.Context) (goenv, error) {
	names := append([]string{
		"env", "-json", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED", "GOFLAGS", "GOFIPS140", "GOEXPERIMENT", "GOMOD",
	}, levels...)
	out, err := g.output(ctx, names...)
	if err != nil {
		return nil, err
	}
	env := goenv{}
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("read the output of go env: %w", err)
	}
	return env, nil
}

// flag is the value of a flag in GOFLAGS.
func (e goenv) flag(name string) (value string, ok bool) {
	for f := range strings.FieldsSeq(e["GOFLAGS"]) {
		f = "-" + strings.TrimLeft(strings.Trim(f, `'"`), "-")
		if key, v, _ := strings.Cut(f, "="); key == name {
			value, ok = v, true
		}
	}
	return value, ok
}

// recorded are the settings that the program must have too, as debug.BuildInfo names them.
func (e goenv) recorded(tags []string) map[string]string {
	s := map[string]string{
		"go": e["GOVERSION"], "GOOS": e["GOOS"], "GOARCH": e["GOARCH"], "CGO_ENABLED": e["CGO_ENABLED"],
		"-tags": fingerprint.SortTags(strings.Join(tags, ",")),
	}
	for _, l := range levels {
		if e[l] != "" && levelOf(l) == strings.TrimSuffix(e["GOARCH"], "le") {
			s[l] = e[l]
		}
	}
	if v := e["GOFIPS140"]; v != "" && v != "off" {
		s["GOFIPS140"] = v
	}
	return s
}

// levelOf is the architecture that a setting of levels is for.
func levelOf(name string) string { return strings.ToLower(strings.TrimPrefix(name, "GO")) }

// detectors are tags that flags of the build set, and what debug.BuildInfo calls the flags. They count only where a
// file asks for them: otherwise go test -race would never find what go run cached.
var detectors = map[string]string{"race": "-race", "msan": "-msan", "asan": "-asan"}

// detectorsIn adds those that a build constraint in a file's first lines mentions.
func detectorsIn(src []byte, into map[string]string) {
	for line := range strings.Lines(string(src[:min(len(src), 4<<10)])) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			return
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		x, err := constraint.Parse(line)
		if err != nil {
			continue // the go command ignores it too
		}
		x.Eval(func(tag string) bool {
			if flag := detectors[tag]; flag != "" {
				into[flag] = ""
			}
			return true
		})
	}
}
