// Package fair decides who of many gets what becomes free on a cluster.
//
// A user's share is the largest part, of any resource, that the user's jobs have of what there is: the dominant share
// (Ghodsi and others, 2011). What becomes free is offered to the user whose share, by weight, is the smallest, and to the
// one of that user's jobs of which the same is true. What whole CPUs make wrong at each moment is made good over some
// seconds (Drift). Nobody is promised anything, and nothing that runs is stopped.
//
// All of it are functions of what they are given: agents, the head and the simulator use the same.
package fair
