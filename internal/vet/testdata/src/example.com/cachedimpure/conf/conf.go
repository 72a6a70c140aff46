// Package conf has flags.
package conf

import (
	"flag"
	"os"
)

// Limit is a flag, Names is none.
var (
	Limit = flag.Int("limit", 3, "how many")
	Names = map[int]string{}
)

// Home is from the environment.
func Home() string { return os.Getenv("HOME") }
