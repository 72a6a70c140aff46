// Package sim simulates a cluster under virtual time: drivers, agents, a head and NATS, with what goes wrong between them.
// Nothing in it waits, and one random source tells all that happens, so a seed replays a simulation to the last message.
// Its nouns are Config, what is simulated; Run, which does it and says what was wrong; and Report, how it went.
//
// # What is real
//
//	internal/coordinator  each driver's state machine, the same that the engine drives
//	internal/dispatch     what a driver knows of nodes: offers, batches, messages, packs, who is alive, its lease
//	internal/fair         whose turn it is on a node
//	internal/ledger       who has how much of a node, and what a task is charged
//	protocol              the offers, tasks and items that are exchanged; they aren't encoded
//
// # What is a model
//
//	driver.go                                  internal/engine/remote, without its connection
//	session.go, give.go, ends.go, outcomes.go, calls.go, choice.go
//	                                           what internal/engine does around the coordinator
//	agent.go, offers.go, take.go, workers.go, runs.go, runsend.go, uplink.go
//	                                           cluster/agent: offers, workers, what is said until it is heard
//	hold.go, drain.go                          cluster/agent: a node that is held for a large task, or emptied
//	maps.go                                    internal/engine: how a Map is cut into chunks, by one driver and the next
//	limits.go                                  cluster/head and internal/engine: a user's limit, and quotas
//	head.go                                    cluster/head: who is alive, whose a job is, the digest
//	stream.go, network.go                      NATS: a journal of each job, and messages that may get lost
//	work.go                                    a user's program: what depends on what, what calls what, what fails
//
// A model does what its original does, in fewer words. Where they part, the model is wrong: change it with its original.
// Left out are values and their sizes, the time that processes compute, I/O places, limits of memory and disk, labels,
// the shares of users with several jobs and drifts (cluster/agent), how drivers take room step by step that others have too
// and say that they have nothing (dispatch.Spread), limits of jobs, isolated tasks, and upgrades.
//
// # What is checked
//
// truth.go sees everything. Each execution of a task gives a value of its own, so that it shows whose counted: that of the
// first success in the journal, also after its driver was started again, and for all that depends on it. No task runs more
// often than its executions were lost, one that must not run twice runs once at most, nothing hangs, a node that is drained
// begins nothing and is empty in time, a user's tasks have no more CPUs than the user's limit,
// and each item of a Map has one result.
package sim
