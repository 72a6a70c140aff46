package protocol

// What an agent tells a worker by its environment.
const (
	EnvWorker = "MUSTER_WORKER" // that it is one: the number of the socket's descriptor
	EnvCPUs   = "MUSTER_CPUS"   // how many tasks of one CPU run at once on its node
)
