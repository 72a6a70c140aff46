// Package protocol is what muster's processes say to each other: driver and agent by messages over NATS, agent and
// worker by frames over a socket. Its nouns are Offer, an agent's room; Batch, the tasks it gets for it; Task; Outcome,
// how an attempt ended; Value, a result or where it lies; Call, a call that a task makes; and Frame.
//
// Every message is laid out by hand: little-endian fixed fields, unsigned LEB128 for counts and lengths, bytes with
// their length before them. docs/protocol.md describes it well enough to write a worker in another language, and
// testdata/golden.txt holds a vector of each message.
//
// A task or an outcome in a message of 64 costs some 10 to 20 ns to encode, and 30 ns to decode into memory that is
// used again (Read); into new memory 60 to 150 ns, most of it the collector's. FrameReader allocates nothing per frame.
//
// Decoders never panic, whatever they are given, and check each count against what is left before they allocate: what a
// message takes is at most 64 times its length, and as a rule some ten times. What they return shares memory with the
// message; what they return beside an error means nothing. None of them is for concurrent use.
package protocol
