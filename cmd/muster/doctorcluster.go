package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/musterrun/muster/protocol"
)

// slow is from when an answer of the head's counts as slow.
const slow = 100 * time.Millisecond

// answers measures how long the head takes to answer.
func (d *diagnosis) answers(ctx context.Context, r *reach) {
	best := time.Duration(0)
	for range 5 {
		began := time.Now()
		if _, err := listNodes(ctx, r); err != nil {
			d.result("answers", err, "look at the head's log", "")
			return
		}
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
	}
	l := levelOK
	if best > slow {
		l = levelWarn
	}
	d.add("answers", l, "run programs nearer to the head, or on its machine", "the head answers within %v", best.Round(10*time.Microsecond))
}

// nodes looks at the nodes' state, versions and platforms.
func (d *diagnosis) nodes(ctx context.Context, r *reach) {
	nodes, err := listNodes(ctx, r)
	if err != nil {
		d.result("nodes", err, "look at the head's log", "")
		return
	}
	var dead, other []string
	for _, n := range nodes {
		switch {
		case n.Stopped: // by somebody who knows of it
		case !n.Alive:
			dead = append(dead, n.Name+" ("+n.Node+")")
		case n.Version != version():
			other = append(other, fmt.Sprintf("%s (%s)", n.Name, n.Version))
		}
	}
	d.serving(nodes, r.id.Name)
	if len(dead) > 0 {
		d.add("dead nodes", levelWarn, "start their agents again by muster join, or forget about them",
			"not heard of: %s", clip(strings.Join(dead, ", "), 200))
	}
	if len(other) > 0 {
		d.add("versions", levelWarn,
			fmt.Sprintf("they work together as long as they speak protocol %d or the one before; upgrade them when you can", protocol.Major),
			"other versions than this muster's, %s: %s", version(), clip(strings.Join(other, ", "), 200))
	}
	if p := otherPlatforms(nodes); len(p) > 0 {
		d.add("platforms", levelOK, "", "there are nodes of %v beside %s: muster run builds for them too, other programs can't use them",
			p, ownPlatform())
	}
}

// serving looks at whether tasks of the user's can run, and within limits.
func (d *diagnosis) serving(nodes []protocol.NodeInfo, user string) {
	if alive := countAlive(nodes); alive == 0 {
		d.add("nodes", levelBad, "start agents by muster up or muster join", "no node lives, so nothing can run")
	} else {
		d.add("nodes", levelOK, "", "%s", plural(alive, "node"))
	}
	for _, n := range nodes {
		if n.Alive && n.Unlimited != "" {
			d.add("limits", levelWarn, "", "workers on node %s (%s) have no memory limits: %s", n.Name, n.Node, n.Unlimited)
		}
	}
	if refusal := noneServes(nodes); refusal != "" {
		d.add("users", levelBad, "start agents that serve you, or have an admin do so: muster nodes says whom each serves",
			"no node serves the jobs of user %s: %s", user, refusal)
	}
}

// noneServes is why none of the nodes that live serves who asks; "" if one does, or none lives.
func noneServes(nodes []protocol.NodeInfo) (refusal string) {
	for _, n := range nodes {
		switch {
		case !n.Alive:
		case n.Refusal == "":
			return ""
		case refusal == "":
			refusal = "node " + n.Name + ": " + n.Refusal
		}
	}
	return clip(refusal, 250)
}

// issuedAt is when a JWT was signed, to the second.
func issuedAt(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, errors.New("the head's JWT is damaged")
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, fmt.Errorf("the head's JWT is damaged: %w", err)
	}
	var claims struct {
		IssuedAt int64 `json:"iat"`
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		return time.Time{}, fmt.Errorf("the head's JWT is damaged: %w", err)
	}
	return time.Unix(claims.IssuedAt, 0), nil
}
