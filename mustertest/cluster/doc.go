// Package cluster starts clusters for tests, on loopback, with the test's binary as the worker. Its nouns are Cluster, a
// head and agents in the test's own process; Procs, the same as processes, which the test can kill; and Program, a driver
// for a process of its own.
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
// A cluster takes about 50 ms to start, one of processes some 200, and a worker about as long as the test's binary.
//
// What a program does when machines fail is seen with [Processes]. A node is lost once nobody has heard of it for
// Ages.Dead and it doesn't answer for Ages.Ask, so a test takes at least that long:
//
//	func TestLostMachine(t *testing.T) {
//		c := cluster.Processes(t, 3, cluster.Options{})
//		ctx := c.Context()
//		r := Long.Go(ctx, input)
//		c.KillAgent(0)
//		v, err := r.Get(ctx) // it runs elsewhere
//		...
//	}
//
// KillHead and StartHead, KillWorker, CutOff and Heal do the same to the other parts. So does [Driving.Kill] to a driver,
// which goes on where it stopped if it is run again with the name of its job:
//
//	var nightly = cluster.Driver("nightly", func(ctx context.Context, args []string) error {
//		for v, err := range Step.Map(ctx, steps) {
//			...
//			fmt.Println(v) // for Next
//		}
//		return nil
//	})
//
//	func TestResume(t *testing.T) {
//		c := cluster.Processes(t, 2, cluster.Options{})
//		d := c.Run(nightly, "job")
//		d.Next(time.Minute)
//		d.Kill()
//		c.Run(nightly, "job").Wait(time.Minute)
//	}
package cluster
