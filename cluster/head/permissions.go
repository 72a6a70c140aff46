package head

import (
	"github.com/nats-io/jwt/v2"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// roleHead is the head's own.
const roleHead = "head"

// permissions are what somebody may publish and hear; the epoch is a job's. This table is the cluster's protection:
// servers check it for each message, and nothing that a message says counts against it.
//
// Nobody may answer wherever a request asks for it, which NATS has a permission for: an agent and a driver of one owner
// could speak as anybody then, one asking the other to answer there.
func permissions(who, role string, epoch uint32) jwt.Permissions {
	var p jwt.Permissions
	p.Pub.Allow.Add(protocol.ControlSubject(who, ">"))
	p.Sub.Allow.Add(join.InboxPrefix(who)+".>", protocol.Digest, protocol.Beat)
	switch role {
	case join.RoleAgent:
		p.Pub.Allow.Add(protocol.OfferSubject("*"), protocol.UpSubject("*", who), protocol.OutcomeSubject("*", who))
		p.Pub.Allow.Add(protocol.Answers(protocol.AnswerDown, who), protocol.Answers(protocol.AnswerNode, who))
		p.Sub.Allow.Add(protocol.AllDown(who), protocol.NodeSubject(who, ">"), protocol.JobsDigest, protocol.AllNews)
	case join.RoleJob:
		p.Pub.Allow.Add(
			protocol.DownSubject(who, "*"), protocol.DecisionSubject(who),
			protocol.AckSubject(who, epoch, ">"), protocol.FlowSubject(who, epoch, ">"),
		)
		for _, kind := range []protocol.AnswerKind{protocol.AnswerOffer, protocol.AnswerUp, protocol.AnswerAsk} {
			p.Pub.Allow.Add(protocol.Answers(kind, who))
		}
		p.Sub.Allow.Add(
			protocol.OfferSubject(who), protocol.AskSubject(who), protocol.AllUp(who), protocol.JournalSubject(who, epoch),
			protocol.NewsSubject(who),
		)
	case join.RoleAdmin:
		p.Pub.Allow.Add(protocol.NodeSubject("*", ">"))
	case roleHead:
		p = jwt.Permissions{}
		p.Pub.Allow.Add(">")
		p.Sub.Allow.Add(">")
	}
	return p
}
