// Package remote carries a session's tasks to the nodes of a cluster, and their outcomes back, over NATS. Its nouns are
// Carrier, what carries; Job, the session whose tasks are carried; and Cluster, how the cluster is reached.
//
// A Carrier knows nothing of functions, dependencies or retries: it asks its Job for tasks when a node has room, and
// tells it what nodes say. What decides is in state machines without a clock, a lock or a connection: those of
// internal/dispatch, and here
//
//	decisions  what is recorded for the job's next driver
//	order      the journal's records, each once and in their order
//	recent     the records that the stream may lose by a power cut
//
// The other files connect them to NATS, a goroutine each, all of which end in Close.
//
// # Costs
//
// In batches of 128 a no-op task costs the driver 0.1 to 0.3 us here, encoded, kept until it is confirmed, and its outcome
// decoded. A task on its own goes to its node and its outcome comes back by the journal in about 100 us on loopback, where
// a bare request and its answer take 45: no timer is in the way. What is due some time is looked at four times a second.
// bench_test.go measures these.
//
// # What is not promised
//
// A task may run more than once: a batch whose confirmation is late is given out again. A message to a node may arrive
// twice, and what a node says may be told to the Job twice. An outcome that was recorded is told once for each record,
// and in a job without a name maybe once more, ahead of it.
package remote
