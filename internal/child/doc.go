// Package child starts a worker process, speaks with it over a socket pair, asks it now and then whether it lives, and
// ends it with all that it has started. Agents and sessions without a cluster use it; it knows nothing of tasks, nor of
// a network. docs/protocol.md has the frames.
//
// Its nouns are Child, a worker from its start to its end; Spec, how it is started; and Handler, who is told what it says.
// A Child costs four goroutines and one thread of the operating system.
package child
