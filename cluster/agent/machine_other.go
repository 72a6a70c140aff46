//go:build !unix

package agent

func processBirth(int) string { return "" }
func machineMemory() int64    { return 0 }

// findCgroups finds none: only Linux has them.
func findCgroups() cgroups { return cgroups{root: "/sys/fs/cgroup"} }
