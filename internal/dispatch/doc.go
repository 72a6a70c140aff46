// Package dispatch is what a driver knows of the nodes to which it gives tasks, as state machines without a clock, a
// lock or a connection. The carrier over NATS (internal/engine/remote) and the simulator (internal/sim) drive the same
// ones. Its nouns:
//
//	Lot       offers of room that wait for tasks
//	Handed    batches that no node has confirmed yet
//	Downs     what is to be said to the nodes, one message to each on its way at a time
//	Births    nodes that have begun anew, and have nothing of what they had
//	Nodes     who is alive
//	RollCall  who has yet to say what it runs for the driver before
//	Spread    over how many nodes tasks are spread at once whose room others may have taken
//	Reach     on how many CPUs there are short tasks: beyond some, further nodes are of no use
//	Pack      how many short tasks are given out for one CPU
//	Lease     whether this driver still has its job
//
// Times come from the caller and are only compared with each other. What was asked for is answered once: nothing here is
// sent, and who sends it does so again until it is heard.
package dispatch
