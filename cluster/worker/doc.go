// Package worker is the worker's end of the socket to its agent: it reads tasks and what comes down, and sends outcomes
// and what goes up. It runs no task: a Host does, the engine's session in a program of muster's. docs/protocol.md has
// the frames and the conversation.
//
// Its nouns are Worker, the socket's two goroutines; Host, who runs the tasks; and Link, through which the host speaks.
// An outcome costs some 60 ns until it is encoded; those that come while a frame is written share the next one.
package worker
