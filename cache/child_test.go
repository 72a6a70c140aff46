package cache

import "fmt"

const (
	childRole = "MUSTER_CACHE_ROLE"
	childDir  = "MUSTER_CACHE_DIR"
)

func runChild(role, dir string) int { fmt.Println(role, dir); return 2 }
