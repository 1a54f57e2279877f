#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Strangers that connect and ask in earnest (papers: 000, 5.3), with a web
# server behind: the requests a second that the key holder gets answered.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=3
strangers=(0 16 64 256 1024)
cases=(plain tap)

for name in "${cases[@]}" fast; do
	trio "$name"
	mkdir -p "$work/$name"
	work=$work/$name http_start "$name-server" $port
done
protect_tap tap
! protect_fast fast || cases+=(fast)

for ((round = 1; round <= rounds; round++)); do
	for count in "${strangers[@]}"; do
		for name in $(turn "${cases[@]}"); do
			beside "$name" "$count" $seconds
		done
	done
done
