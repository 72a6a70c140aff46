// Package head is a cluster's head: the NATS server that carries all messages and keeps the jobs' journals, the
// identities of who may connect, and the control service that opens jobs, knows the nodes and keeps blobs.
//
// Everything it knows lies in one folder, so that a head that is killed and started again is the same one: same ports,
// keys, jobs and tokens. Only one head at a time has the folder. Agents and drivers go on without it for as long as they
// have work, and connect again by themselves.
//
// It does nothing by itself but a digest once a second, and costs some thousandths of a core then.
package head
