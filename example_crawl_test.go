package muster_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/musterrun/muster"
)

// crawlSite says which pages each page links to.
var crawlSite = map[string][]string{
	"/":         {"/docs", "/blog"},
	"/docs":     {"/", "/docs/api"},
	"/docs/api": {"/docs"},
	"/blog":     {"/", "/lost"},
}

var crawlPage = muster.Func("crawl.page", muster.PlainErr(func(url string) ([]string, error) {
	links, found := crawlSite[url]
	if !found {
		return nil, fmt.Errorf("no page %s", url)
	}
	return links, nil
}), muster.IO())

// A crawler: results are handled as they come, and each one adds work.
// In Dask: seq = as_completed(futures), and seq.add(client.submit(page, url)) inside the loop over it.
func Example_crawl() {
	ctx := context.Background()
	var (
		pages muster.Pending[string, []string]
		seen  = map[string]bool{}
	)
	visit := func(url string) {
		if !seen[url] {
			seen[url] = true
			pages.Add(url, crawlPage.Go(ctx, url))
		}
	}
	visit("/")
	for url, ref := range pages.Completed(ctx) {
		links, err := ref.Get(ctx)
		if err != nil {
			fmt.Println("broken link:", url)
			continue
		}
		for _, link := range links {
			visit(link)
		}
	}
	fmt.Println(slices.Sorted(maps.Keys(seen)))
	// Output:
	// broken link: /lost
	// [/ /blog /docs /docs/api /lost]
}
