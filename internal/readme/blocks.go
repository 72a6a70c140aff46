package main

import (
	"fmt"
	"strings"
)

// block is one fenced block of shell commands.
type block struct {
	line   int // of its first command, from 1
	script string
}

// blocks are the fenced blocks marked sh, and only those: one marked console, or not at all, is for reading.
func blocks(text string) ([]block, error) {
	var out []block
	fence, runs := "", false // the fence that is open, and whether its block is run
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		trimmed := strings.TrimSpace(line)
		mark := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		switch {
		case fence == "" && len(mark) >= 3:
			fence, runs = mark, strings.TrimSpace(trimmed[len(mark):]) == "sh"
			if runs {
				out = append(out, block{line: i + 2})
			}
		case fence != "" && trimmed == mark && len(mark) >= len(fence):
			fence, runs = "", false
		case runs:
			out[len(out)-1].script += line + "\n"
		}
	}
	if fence != "" {
		return nil, fmt.Errorf("a block that begins with %s has no end", fence)
	}
	return out, nil
}
