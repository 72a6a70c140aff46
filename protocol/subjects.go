package protocol

// Subjects, and names of what JetStream keeps. Jobs and nodes go by ids of letters and digits.

// OfferSubject is where agents offer room to a job; its coordinator answers with a Batch, at once or when it has tasks.
func OfferSubject(job string) string { return "m.j." + job + ".offer" }

// UpSubject is where a node's agent tells a job's coordinator what its tasks do; the answer says that it was heard.
func UpSubject(job, node string) string { return "m.j." + job + ".up." + node }

// AllUp is every node's UpSubject.
func AllUp(job string) string { return UpSubject(job, "*") }

// DownSubject is where a job's coordinator tells a node's agent what to do; the answer says that it was heard.
func DownSubject(job, node string) string { return "m.j." + job + ".down." + node }

// AllDown is what a node hears of every job.
func AllDown(node string) string { return DownSubject("*", node) }

// OutcomeSubject is where a node's agent records outcomes, in the job's stream.
func OutcomeSubject(job, node string) string { return "m.j." + job + ".o." + node }

// DecisionSubject is where a job's coordinator records what it decides, in the same stream.
func DecisionSubject(job string) string { return "m.j." + job + ".d" }

// StreamSubjects are what a job's stream keeps.
func StreamSubjects(job string) []string {
	return []string{OutcomeSubject(job, "*"), DecisionSubject(job)}
}

// StreamName is the name of a job's stream, and ConsumerName that of its one consumer.
func StreamName(job string) string { return "J_" + job }

// ConsumerName is the name of the consumer through which a job's coordinator reads its stream.
func ConsumerName(job string) string { return "C_" + job }

// JournalSubject is where the server delivers a job's stream to its coordinator, if the head has made the consumer so.
func JournalSubject(job string) string { return "m.j." + job + ".journal" }

// ControlSubject is where one asks the head for an operation. Who asks, a user, node or job by its id, stands in the
// subject, since that is what the servers check.
func ControlSubject(who, operation string) string { return "m.c." + who + "." + operation }

// AllControl is where the head listens.
const AllControl = "m.c.>"

// NodeSubject is where a node's agent is asked for something by the head, or by who may.
func NodeSubject(node, operation string) string { return "m.n." + node + "." + operation }

// Digest is where the head publishes, once a second, which nodes there are and which jobs have work.
const Digest = "m.digest"

// News is where the head publishes at once that a job has begun or ended.
const News = "m.news"
