// Package yardstick measures the least that a cluster like muster's costs on this machine, so that muster's own figures can
// be told from the machine's. Four processes do what a task's way needs and nothing else: a driver sends records through a
// NATS server to an agent, which hands them to its worker over an inherited socket; that calls a function for each; the agent
// appends the results to a stream on file storage, and a push consumer delivers them to the driver, which checks their sum.
// Of a call, one record after the other, the agent tells the driver first and appends the result within 20 ms, as muster's do.
// All of it goes over TLS, with the settings that muster's head has. There are no identities, retries, shares, journals of
// decisions, futures or types.
//
// It shares no code with what it is measured beside. Its nouns are Yardstick, the processes, and Kind, what is measured.
package yardstick
