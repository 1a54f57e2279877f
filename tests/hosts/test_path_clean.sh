#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap probe-path finds nothing on a path where nothing is to be found: in a
# hundred runs.

# Cases are called by check; arguments may be left out.
# shellcheck disable=SC2317,SC2119,SC2120
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/path.sh
. "$(dirname "$0")/path.sh"

# clean 4|6 RUNS
clean()
{
	local run

	path_lab
	listen
	for run in $(seq "$2"); do
		probe "$1" --count 1
		says 'verdict == "passes"' 'only()' 'path["notes"] == []' \
		    'path["complete"]' 'path["arrived"] == path["sent"]' \
		    'all(f["usable"] == f["bits"] for f in field.values()
			if f["field"] != "ttl")' \
		    'all(g["in_order"] == g["whole"] == g["sent"] == 1
			for g in group.values())' ||
			fail "in run $run"
		same 0 "$status" "exit status of run $run"
	done
}

for part in 1 2; do
	both "part$part" clean 50
done
finish
