// Package quiet has connections that spare a process that waits most of the time a thread.
//
// Go's runtime has a monitor thread that sleeps while nothing is to be done, and that the first system call afterwards wakes, in
// case it takes long. So in a process that reads a short message, answers it and waits for the next, each message wakes two
// threads, which is much of what it costs. The system calls of a quiet connection never wait, so they needn't be watched: the
// runtime isn't told of them.
//
// What the monitor does besides isn't done either while it sleeps: above all it takes turns between goroutines that compute for
// over 10 ms. So this is for processes in which none does without other system calls, such as an agent: not for one that
// runs functions of users.
package quiet
