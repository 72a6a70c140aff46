package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/metrics.md has each metric as it is.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "## The head")
	head, node, ok := strings.Cut(rest, "## Each node")
	if !ok {
		t.Fatal("docs/metrics.md lacks a part")
	}
	for text, list := range map[string][]*Desc{head: Head, node: Node} {
		var got, want []string
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "| `") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		for _, d := range list {
			label := d.Label
			if label != "" {
				label = "`" + label + "`"
			}
			want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |", d.Name, d.Type, label, d.Help))
		}
		if !slices.Equal(got, want) {
			t.Errorf("docs/metrics.md has\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// The dashboard shows what there is, and all of it.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("../../deploy/grafana/muster.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	types := map[string]Type{}
	for _, d := range slices.Concat(Head, Node) {
		types[d.Name] = d.Type
	}
	shown, ids := map[string]bool{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d, %q, has no number of its own, no title or nothing to show", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			for _, name := range regexp.MustCompile(`\bmuster_\w+`).FindAllString(target.Expr, -1) {
				base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
				if typ, ok := types[base]; !ok || (typ == Histogram) != (base != name) {
					t.Errorf("panel %q shows %s, which isn't there: %s", p.Title, name, target.Expr)
				}
				shown[base] = true
			}
		}
	}
	for name := range types {
		if !shown[name] {
			t.Errorf("the dashboard doesn't show %s", name)
		}
	}
}
