#!/bin/sh
# Runs 10,000,000 tasks in 1,000 jobs over 20 minutes on a cluster of this machine, of which something is killed every 5 s,
# and prints what was killed, how much the disk holds, and how large the processes are at the start and at the end.
#
#	scripts/soak.sh
set -eu
cd "$(dirname "$0")/.."
MUSTER_SOAK=full exec go test -count=1 -run 'TestSoak$' -v -timeout 40m ./mustertest/cluster
