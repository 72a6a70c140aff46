// Package ledger is an agent's account of its machine: what there is, what is free, and what each attempt has of it. It
// decides whether a task that comes fits, what it is charged, and when a new offer is worth making; it does no I/O and
// knows no time, so agents and the simulator share it.
//
// Its nouns are Room, so much of everything; Ledger, a machine's; Charge, what an attempt has; and Admission, by which the
// tasks of one batch are charged.
package ledger
