package metrics

// What the head counts.
var (
	HeadInfo       = &Desc{"muster_info", Gauge, "version", "1, with the version of the muster command that the head runs from"}
	HeadStarted    = &Desc{"muster_start_time_seconds", Gauge, "", "when the head was started, in Unix time"}
	HeadResident   = &Desc{"muster_resident_bytes", Gauge, "", "memory that the head's process has; 0 where the system doesn't tell"}
	HeadNodes      = &Desc{"muster_nodes", Gauge, "state", "machines: alive, dead (for up to an hour), stopped"}
	HeadCPUs       = &Desc{"muster_cpus", Gauge, "", "CPUs, which are slots of tasks, that the nodes alive give"}
	HeadCPUsUsed   = &Desc{"muster_cpus_used", Gauge, "", "those of them that tasks have"}
	HeadMemory     = &Desc{"muster_memory_bytes", Gauge, "", "memory that the nodes alive give"}
	HeadMemoryUsed = &Desc{"muster_memory_resident_bytes", Gauge, "", "memory that their agents and workers have"}
	HeadWorkers    = &Desc{"muster_workers", Gauge, "", "worker processes on the nodes alive"}
	HeadJobs       = &Desc{"muster_jobs", Gauge, "state", "jobs that are kept: running, orphaned, done, failed"}
	HeadQueued     = &Desc{"muster_tasks_queued", Gauge, "", "tasks of running jobs that haven't started"}
	HeadRunning    = &Desc{"muster_tasks_running", Gauge, "", "tasks of running jobs that have"}
	HeadTasks      = &Desc{"muster_tasks_total", Counter, "outcome",
		"tasks that have ended, as their drivers report it, items of a Map one by one: done, failed"}
	HeadJournal  = &Desc{"muster_journal_bytes", Gauge, "", "what the journals of all jobs take on the head's disk"}
	HeadDiskFree = &Desc{"muster_disk_free_bytes", Gauge, "", "what is free on the disk of the head's folder; 0 where that isn't known"}
	HeadRequests = &Desc{"muster_request_seconds", Histogram, "operation",
		"how long the head took for each request to its control service"}
	HeadRefused = &Desc{"muster_requests_refused_total", Counter, "code", "requests that it refused, by why"}
	HeadEvents  = &Desc{"muster_events_total", Counter, "kind", "what muster events shows: nodes and jobs that come and go, and more"}
)

// What each agent counts. The label node, its name, is Prometheus's to add.
var (
	NodeInfo        = &Desc{"muster_node_info", Gauge, "version", "1, with the version of the muster command that the agent runs from"}
	NodeStarted     = &Desc{"muster_node_start_time_seconds", Gauge, "", "when the agent was started, in Unix time"}
	NodeCPUs        = &Desc{"muster_node_cpus", Gauge, "", "CPUs, which are slots of tasks, that the node gives"}
	NodeCPUsUsed    = &Desc{"muster_node_cpus_used", Gauge, "", "those of them that tasks have"}
	NodeMemory      = &Desc{"muster_node_memory_bytes", Gauge, "", "memory that the node gives"}
	NodeMemoryTaken = &Desc{"muster_node_memory_asked_bytes", Gauge, "", "memory that running tasks have asked for"}
	NodeResident    = &Desc{"muster_node_resident_bytes", Gauge, "of", "memory that processes have: the agent, all workers together"}
	NodeWorkers     = &Desc{"muster_node_workers", Gauge, "", "worker processes"}
	NodeDeaths      = &Desc{"muster_node_worker_deaths_total", Counter, "", "workers that ended though they weren't told to"}
	NodeJobs        = &Desc{"muster_node_jobs", Gauge, "", "jobs that the node knows"}
	NodeRunning     = &Desc{"muster_node_tasks_running", Gauge, "", "tasks that workers have"}
	NodeWaiting     = &Desc{"muster_node_tasks_waiting", Gauge, "", "tasks that wait for a worker, or for values"}
	NodeTasks       = &Desc{"muster_node_tasks_total", Counter, "outcome",
		"attempts that have ended in workers, a chunk of a Map as one: succeeded, failed, canceled"}
	NodeGiveBacks = &Desc{"muster_node_give_backs_total", Counter, "reason",
		"tasks that the node has given back without an outcome: not_started, worker_died, " +
			"returned (asked for by their job, or since the node is left)"}
	NodeOffers   = &Desc{"muster_node_offers_total", Counter, "", "offers of room to jobs"}
	NodeBatches  = &Desc{"muster_node_batches_total", Counter, "", "answers to them with tasks"}
	NodeOutbox   = &Desc{"muster_node_outbox_bytes", Gauge, "", "outcomes that journals haven't confirmed; beyond 256 MiB no task is taken"}
	NodeConfirms = &Desc{"muster_node_confirm_seconds", Histogram, "",
		"how long journals took to confirm a message of outcomes"}
)

// Head and Node are all metrics of a head and of an agent.
var (
	Head = []*Desc{
		HeadInfo, HeadStarted, HeadResident, HeadNodes, HeadCPUs, HeadCPUsUsed, HeadMemory, HeadMemoryUsed, HeadWorkers, HeadJobs,
		HeadQueued, HeadRunning, HeadTasks, HeadJournal, HeadDiskFree, HeadRequests, HeadRefused, HeadEvents,
	}
	Node = []*Desc{
		NodeInfo, NodeStarted, NodeCPUs, NodeCPUsUsed, NodeMemory, NodeMemoryTaken, NodeResident, NodeWorkers, NodeDeaths, NodeJobs,
		NodeRunning, NodeWaiting, NodeTasks, NodeGiveBacks, NodeOffers, NodeBatches, NodeOutbox, NodeConfirms,
	}
)
