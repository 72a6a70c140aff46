// Package isolate runs a task in a worker process of its own, without a cluster: a copy of this program, which becomes a
// worker at muster.Main and speaks with this process over an inherited socket pair, as a worker does with an agent.
//
// Its one noun is Process. It costs the start of the program, up to Main, and its end: 10 to 20 ms for a small one, which
// the program's size, its initialisation and what main does before Main add to. A process isn't used again, so that a
// task finds nothing of another's; values over 64 KiB go by files in the folder for temporary ones.
package isolate
