// Package join is how a process gets into a cluster: a Token is exchanged for an Identity, an Identity connects, Control
// asks the head for operations, and Contexts keep a user's identities by name.
//
// An identity's key is made where it is used and never leaves the machine; the head signs a user JWT for its public
// half, which is good for a day and renewed when a connection is made with less than half of that left. TLS is pinned
// to the cluster's own certificate authority, so that the address by which a head is reached doesn't matter.
package join
