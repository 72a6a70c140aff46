package muster_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"github.com/musterrun/muster"
)

type wordCounts = map[string]int

var (
	wordsMap   = muster.Func("wordcount.map", muster.Plain(countWords))
	wordsMerge = muster.Func("wordcount.merge", muster.Plain(mergeWords))
)

// wordPieces is how many pieces the words are shared out to.
const wordPieces = 3

// countWords counts a text's words, by piece: all texts put the same word into the same piece.
func countWords(text string) []wordCounts {
	out := make([]wordCounts, wordPieces)
	for i := range out {
		out[i] = wordCounts{}
	}
	for word := range strings.FieldsSeq(text) {
		out[crc32.ChecksumIEEE([]byte(word))%wordPieces][word]++
	}
	return out
}

func mergeWords(counts []wordCounts) wordCounts {
	sum := wordCounts{}
	for _, c := range counts {
		for word, n := range c {
			sum[word] += n
		}
	}
	return sum
}

// A word count with a shuffle: Split takes the map's results apart, Gather puts the same piece of all texts together.
// In Dask: bag.map(str.split).flatten().frequencies(), in Parsl apps that exchange a file for each text and piece.
func Example_wordCount() {
	ctx := context.Background()
	texts := []string{"the cat and the dog", "the dog", "a cat"}
	pieces := make([][]muster.Ref[wordCounts], wordPieces) // by piece, then by text
	for _, text := range texts {
		for i, piece := range muster.Split(ctx, wordsMap.Go(ctx, text), wordPieces) {
			pieces[i] = append(pieces[i], piece)
		}
	}
	total := wordCounts{}
	for _, p := range pieces {
		counts, err := wordsMerge.From(ctx, muster.Gather(ctx, p...)).Get(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		maps.Copy(total, counts) // no word is in two pieces
	}
	for _, word := range slices.Sorted(maps.Keys(total)) {
		fmt.Println(word, total[word])
	}
	// Output:
	// a 1
	// and 1
	// cat 2
	// dog 2
	// the 3
}
