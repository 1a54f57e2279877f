#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Strangers that connect and ask in earnest (papers: 000, 5.3), with a web
# server behind: the requests a second that the key holder gets answered.  They
# offer a fixed number of attempts a second: were each to wait for the answer to
# his last one, how many there are would follow from how fast the server is.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=2
attempts=(0 1000 5000 10000) # a second
# aside: the strangers share this machine, and that is all
cases=(plain tap aside)

for name in "${cases[@]}" fast; do
	trio "$name"
	mkdir -p "$work/$name"
	work=$work/$name http_start "$name-server" $port
done
protect_xdp aside
protect_tap tap
! protect_fast fast || cases+=(fast)

flooded()
{
	local rate name

	for rate in "${attempts[@]}"; do
		for name in $(turn "${these[@]}"); do
			beside "$name" "$rate" $seconds
		done
	done
}

in_rounds flooded "${attempts[@]/#/holder_}"
