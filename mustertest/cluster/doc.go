// Package cluster starts clusters for tests: a head and agents in the test's own process, on loopback, with the test's
// binary as the worker. Its one noun is Cluster.
//
//	func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
//
//	func TestSum(t *testing.T) {
//		ctx := cluster.Start(t, 2).Context()
//		n, err := Sum.Call(ctx, []int{1, 2})
//		...
//	}
//
// A test's functions must be registered in package initialisation, as in every program, so that the workers know them.
// A cluster takes about 50 ms to start, and a worker about as long as the test's binary.
package cluster
