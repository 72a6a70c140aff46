// Package conf has settings and what changes them.
package conf

import "encoding/json"

var (
	Limit    int
	Fixed    = 7
	Settings struct{ Deep struct{ N int } }
	Table    = map[string]int{}
	list     []string
)

func init() { Fixed = 8 }

// Load is called while tasks run.
func Load(data []byte) error {
	Limit = 5
	return json.Unmarshal(data, &Settings)
}

// Fill writes through its parameter.
func Fill(m map[string]int) { put(m) }

func put(m map[string]int) { m["a"] = 1 }

// Len reads an unexported variable.
func Len() int { return len(list) }

// Grow writes one.
func Grow() { list = append(list, "x") }
