//go:build !unix

package agent

func processBirth(int) string { return "" }
func machineMemory() int64    { return 0 }
