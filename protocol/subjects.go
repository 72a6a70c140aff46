package protocol

import (
	"strconv"
	"strings"
)

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

// AskSubject is where the head asks a job's coordinator about its tasks; the answer is a Reply.
func AskSubject(job string) string { return "m.j." + job + ".ask" }

// OutcomeSubject is where a node's agent records outcomes, in the job's stream.
func OutcomeSubject(job, node string) string { return "m.j." + job + ".o." + node }

// DecisionSubject is where a job's coordinator records what it decides, in the same stream.
func DecisionSubject(job string) string { return "m.j." + job + ".d" }

// StreamSubjects are what a job's stream keeps.
func StreamSubjects(job string) []string {
	return []string{OutcomeSubject(job, "*"), DecisionSubject(job)}
}

// StreamName is the name of a job's stream.
func StreamName(job string) string { return "J_" + job }

// ConsumerName is the name of the consumer through which a job's coordinator of that epoch reads its stream. Each epoch
// has its own, so that a coordinator that was replaced can neither read nor acknowledge what is for its successor.
func ConsumerName(job string, epoch uint32) string {
	return "C_" + job + "_" + strconv.FormatUint(uint64(epoch), 10)
}

// JournalSubject is where the server delivers a job's stream to its coordinator of that epoch.
func JournalSubject(job string, epoch uint32) string {
	return "m.j." + job + ".journal." + strconv.FormatUint(uint64(epoch), 10)
}

// AckSubject is where a coordinator of that epoch acknowledges what it has read; the rest stands in the reply subjects of
// the messages that are delivered.
func AckSubject(job string, epoch uint32, rest string) string {
	return "$JS.ACK." + StreamName(job) + "." + ConsumerName(job, epoch) + "." + rest
}

// FlowSubject is where it answers that it keeps up; likewise.
func FlowSubject(job string, epoch uint32, rest string) string {
	return "$JS.FC." + StreamName(job) + "." + ConsumerName(job, epoch) + "." + rest
}

// Inbox is what the subjects begin with on which somebody, a user, node, job or the head, gets answers: nobody else may
// listen there.
func Inbox(who string) string { return "_INBOX." + who }

// InInbox reports whether a reply subject is in somebody's inbox, of whatever kind.
func InInbox(reply, who string) bool { return strings.HasPrefix(reply, Inbox(who)+".") }

// AnswerKind is what a request asks for that isn't answered by the head. It stands in the reply subject.
type AnswerKind string

// The kinds of answers.
const (
	AnswerOffer AnswerKind = "b" // a job's coordinator answers an Offer
	AnswerUp    AnswerKind = "u" // and an Up
	AnswerAsk   AnswerKind = "a" // and what the head asks of it by [AskSubject]
	AnswerDown  AnswerKind = "d" // a node's agent answers a Down
	AnswerNode  AnswerKind = "n" // and what is asked of it by [NodeSubject]
)

// AnswerSubject is the reply subject of a request to somebody: who is to answer stands in it, since he may answer nowhere
// else. Inbox is [Inbox] of the asker and one random token.
func AnswerSubject(inbox string, kind AnswerKind, who, token string) string {
	return inbox + "." + string(kind) + "." + who + "." + token
}

// Answers are all the subjects on which somebody answers requests of a kind.
func Answers(kind AnswerKind, who string) string {
	return AnswerSubject(Inbox("*")+".*", kind, who, "*")
}

// ControlSubject is where one asks the head for an operation. Who asks, a user, node or job by its id, stands in the
// subject, since that is what the servers check.
func ControlSubject(who, operation string) string { return "m.c." + who + "." + operation }

// AllControl is where the head listens.
const AllControl = "m.c.>"

// NodeSubject is where a node's agent is asked for something by the head, or by who may.
func NodeSubject(node, operation string) string { return "m.n." + node + "." + operation }

// Digest is where the head publishes, once a second, which nodes there are.
const Digest = "m.digest"

// JobsDigest is where it publishes as often which jobs have work: to nodes only, since who knows a job's id can have
// servers write into its journal (see docs/security.md).
const JobsDigest = "m.jobs"

// Beat is where a head that uses other servers than its own publishes, once a second, that it is there and that JetStream
// answers it. Who doesn't hear it though connected is at a server that is cut off from the others, and goes to another one.
const Beat = "m.beat"

// NewsSubject is where the head publishes at once that a job has begun or ended: to nodes, and to that job.
func NewsSubject(job string) string { return "m.news." + job }

// AllNews is the news of every job.
const AllNews = "m.news.*"
