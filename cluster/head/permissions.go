package head

import (
	"time"

	"github.com/nats-io/jwt/v2"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// roleHead is the head's own.
const roleHead = "head"

// answerTime is how long somebody may take to answer a request that reached him. Parked offers are answered late.
const answerTime = 2 * time.Minute

// permissions are what somebody may publish and hear; the epoch is a job's. This table is the cluster's protection: servers check it for each
// message, and nothing that a message says counts against it.
func permissions(who, role string, epoch uint32) jwt.Permissions {
	var p jwt.Permissions
	p.Pub.Allow.Add(protocol.ControlSubject(who, ">"))
	p.Sub.Allow.Add(join.InboxPrefix(who)+".>", protocol.Digest, protocol.News)
	switch role {
	case join.RoleAgent:
		p.Pub.Allow.Add(protocol.OfferSubject("*"), protocol.UpSubject("*", who), protocol.OutcomeSubject("*", who))
		p.Sub.Allow.Add(protocol.AllDown(who), protocol.NodeSubject(who, ">"))
		p.Resp = answers()
	case join.RoleJob:
		p.Pub.Allow.Add(
			protocol.DownSubject(who, "*"), protocol.DecisionSubject(who),
			protocol.AckSubject(who, epoch, ">"), protocol.FlowSubject(who, epoch, ">"),
		)
		p.Sub.Allow.Add(protocol.OfferSubject(who), protocol.AllUp(who), protocol.JournalSubject(who, epoch))
		p.Resp = answers()
	case join.RoleAdmin:
		p.Pub.Allow.Add(protocol.NodeSubject("*", ">"))
	case roleHead:
		p = jwt.Permissions{}
		p.Pub.Allow.Add(">")
		p.Sub.Allow.Add(">")
	}
	return p
}

// answers lets one answer each request that has reached one, once.
func answers() *jwt.ResponsePermission {
	return &jwt.ResponsePermission{MaxMsgs: 1, Expires: answerTime}
}

func connectionTypes(role string) jwt.StringList {
	if role == roleHead {
		return jwt.StringList{jwt.ConnectionTypeInProcess}
	}
	return jwt.StringList{jwt.ConnectionTypeStandard}
}
