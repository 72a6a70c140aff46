package head

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/protocol"
)

// whyShare says who gets what becomes free before a job that has something ready, since their share is smaller; "" if that
// is nobody.
func (h *Head) whyShare(id string, list *protocol.TaskList) string {
	ready := 0
	for _, c := range list.Counts {
		ready += c.States[protocol.TaskReady]
	}
	if len(list.Tasks) == 1 && list.Tasks[0].State != protocol.TaskReady || len(list.Tasks) == 0 && ready == 0 {
		return ""
	}
	open := h.jobs.list(func(i protocol.JobInfo) bool { return i.State == protocol.JobRunning })
	total, used := h.nodes.load(time.Now())
	return shareText(id, open, &total, used, h.users.get)
}

// maxFirst is how many users and jobs are named that come first.
const maxFirst = 3

func shareText(
	id string, open []protocol.JobInfo, total *protocol.Amounts, used map[string]protocol.Amounts, share func(string) protocol.UserShare,
) string {
	named := slices.Sorted(maps.Keys(total.Named))
	jobs := make([]fair.Job, len(open))
	at := -1
	for i := range open {
		j := &open[i]
		n := used[j.Job]
		jobs[i] = fair.Job{ID: j.Job, User: j.Owner, UserWeight: share(j.Owner).Weight, Weight: j.Share.Weight, Used: n.Vector(named)}
		if j.Job == id {
			at = i
		}
	}
	if at < 0 {
		return ""
	}
	ranks := fair.Ranks(nil, total.Vector(named), jobs)
	var first []string
	for i := range open {
		if load := &open[i].Load; load.Needs <= 0 && len(load.Wants) == 0 || !ranks[i].Less(ranks[at]) {
			continue
		}
		text := fmt.Sprintf("user %s (%.0f %%)", open[i].Owner, 100*ranks[i].User)
		if open[i].Owner == open[at].Owner {
			text = fmt.Sprintf("%s's job %s (%.0f %%)", open[i].Owner, label(open[i]), 100*ranks[i].Job)
		}
		if !slices.Contains(first, text) {
			first = append(first, text)
		}
	}
	if len(first) == 0 {
		return ""
	}
	if n := len(first); n > maxFirst {
		first = append(first[:maxFirst], fmt.Sprintf("%d more", n-maxFirst))
	}
	mine := fmt.Sprintf("user %s has %.0f %% of the cluster, by weight, and this job %.0f %%",
		open[at].Owner, 100*ranks[at].User, 100*ranks[at].Job)
	return fmt.Sprintf("%s: what becomes free goes first to those who have less and wait too: %s", mine, strings.Join(first, ", "))
}
