#!/bin/sh
# Runs the chaos test so many times in a row, 20 by default, and prints what each run has cost. MUSTER_CHAOS=full has the
# periods of a real cluster: the head is away for a minute then, and a run takes about three. MUSTER_CHAOS=servers has three
# NATS servers instead of the head's own, and kills these.
#
#	scripts/chaos.sh [runs]
set -eu
cd "$(dirname "$0")/.."
runs=${1:-20}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tests='TestChaos$'
[ "${MUSTER_CHAOS:-}" != servers ] || tests='TestChaosServers$'
go test -c -o "$dir/cluster.test" ./mustertest/cluster
cd mustertest/cluster
failed=0
for run in $(seq "$runs"); do
	if "$dir/cluster.test" -test.run "$tests" -test.v -test.timeout 15m >"$dir/log" 2>&1; then
		echo "run $run: passed"
	else
		failed=$((failed + 1))
		echo "run $run: FAILED"
		cat "$dir/log"
	fi
	sed -n 's/^ *chaosrun_test.go:[0-9]*: \(.*: executed again: .*\)/  \1/p; s/^--- [A-Z]*: TestChaos[a-zA-Z]* \(.*\)/  \1/p' "$dir/log"
done
echo "$failed of $runs runs failed"
[ "$failed" -eq 0 ]
