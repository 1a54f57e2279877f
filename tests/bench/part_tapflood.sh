#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A flood of forged groups (papers: 000, 5.4).
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(tap)

for name in tap fast; do
	trio "$name"
	answers "$name"
done
protect_tap tap
! protect_fast fast || cases+=(fast)

flooded()
{
	local name

	for name in $(turn "${these[@]}"); do
		under_groups "$name"
	done
}

in_rounds flooded groups
round=1
for name in "${cases[@]}"; do
	record "$name" resident "$(resident "$name-tap")"
done
