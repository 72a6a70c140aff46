// Package coordinator is muster's brain: a pure state machine that alone owns the state of every task of a session.
//
// An event goes in (a method of [Machine]), actions come out ([Machine.Actions]). There is no clock, goroutine, lock,
// I/O or random source inside, and no value: tasks are numbers. Whoever owns a Machine calls it from one goroutine at a
// time and carries out the actions before the next event.
//
// docs/decisions/0001-coordinator-states.md is the table of states, events and actions with the reasons.
package coordinator
