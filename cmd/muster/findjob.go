package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/musterrun/muster/protocol"
)

// findJob is the job that a name stands for, by jobIn.
func findJob(ctx context.Context, r *reach, name string) (protocol.JobInfo, error) {
	jobs, err := listJobs(ctx, r)
	if err != nil {
		return protocol.JobInfo{}, err
	}
	j, ok, err := jobIn(jobs, r.id.Name, name)
	if err == nil && !ok {
		err = fmt.Errorf("there is no job %s on the cluster: muster jobs lists them, and this machine's with --local", name)
	}
	return j, err
}

// jobIn finds a job by its id, or its submission's, or by OWNER/NAME, or by its name: among those of user me first, and else
// among the others that are seen. Of several the newest counts, but for jobs of several others, of which none is meant more than another.
func jobIn(jobs []protocol.JobInfo, me, name string) (j protocol.JobInfo, ok bool, err error) {
	var found []protocol.JobInfo
	owners := map[string]bool{}
	for _, j := range slices.Backward(jobs) {
		switch {
		case j.Job == name, j.Submitted != nil && j.Submitted.ID == name, j.Name != "" && j.Owner+"/"+j.Name == name:
			return j, true, nil
		case j.Name == name && name != "":
			found = append(found, j)
			owners[j.Owner] = true
		}
	}
	for _, j := range found {
		if j.Owner == me || len(owners) == 1 {
			return j, true, nil
		}
	}
	if len(found) == 0 {
		return protocol.JobInfo{}, false, nil
	}
	var all []string
	for owner := range owners {
		all = append(all, owner+"/"+name)
	}
	slices.Sort(all)
	return protocol.JobInfo{}, false,
		fmt.Errorf("%d users have a job %s: name one of %s", len(owners), name, clip(strings.Join(all, ", "), 200))
}
