package main

import (
	"io/fs"
	"slices"
	"testing"
)

func TestBrokenLinks(t *testing.T) {
	pages := map[string]string{
		"README.md": "# Top\n[guide](docs/guide.md), [a folder](docs), [gone](docs/costs.md) and [site](https://example.com/x)\n" +
			"```go\nx[i](gone.md)\n```\nof code: `f[T](gone.md)`, [![picture](gone.png)](docs/guide.md#one-two)\n",
		"docs/guide.md": "## One, two\n\n### `Map` and its kin\n[up](../README.md#top) [here](#one-two) [kin](#map-and-its-kin) [none](#three)\n" +
			"[sister](costs.md) [out](../../x.md) [none](../README.md#one-two) [code](../main.go#L3)\n",
	}
	read := func(name string) ([]byte, error) {
		text, ok := pages[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
	want := []string{
		"README.md:2: docs/costs.md: git tracks no docs/costs.md",
		"README.md:6: gone.png: git tracks no gone.png",
		"docs/guide.md:4: #three: docs/guide.md has no such heading",
		"docs/guide.md:5: costs.md: git tracks no docs/costs.md",
		"docs/guide.md:5: ../../x.md: git tracks no ../x.md",
		"docs/guide.md:5: ../README.md#one-two: README.md has no such heading",
	}
	if got := brokenLinks([]string{"README.md", "docs/guide.md", "main.go"}, read); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if got := brokenLinks([]string{"lost.md"}, read); len(got) != 1 {
		t.Error("a page that can't be read was passed over")
	}
}
