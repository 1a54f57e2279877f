#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What a server logs: every connection that it let in, and of what it refused
# no more than can be read; as text and as JSON.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# log_lab FORMAT
log_lab()
{
	lab
	http_start server 80
	printf '%s\n' "log=$1" 'RULE:dst_port=80' >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/acl"
	tap_run server server server -c "$work/TAPservd.conf" \
	    -a "$work/acl" -k "$(key_file "key_no=10, name=alice, \
key=0x$secret, alg=hmac-sha256")"
	wait_log server 'ready: 1 rule'
	tap_start client client client -c "$(client_rule dst_port=80)"
}

incomplete()
{
	[ "$(tap_status server server incomplete)" -ge "$1" ]
}

# read_log FORMAT: in a line, how many were accepted, how many refused, and how
# many of these were left out
read_log()
{
	"$python" -c '
import json
import re
import sys
accepted = refused = left_out = 0
for line in open(sys.argv[2], encoding="ascii"):
    if sys.argv[1] == "json":
        fields = json.loads(line)
        event = fields["event"]
        assert re.fullmatch(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\dZ", fields["time"])
        assert fields["level"] in ("error", "warning", "info", "debug")
    else:
        time, _, _, event, text = line.split(maxsplit=4)
        fields = dict(re.findall("([a-z_]+)=([^ \n]+)", text))
    if event in ("accepted", "refused"):
        assert fields["dst"] and fields["src"], line
    if event == "accepted":
        assert fields["name"] == "alice" and "skew" in fields, line
        accepted += 1
    if event == "refused":
        assert fields["reason"] == "incomplete", line
        refused += 1
        left_out += int(fields.get("left_out", 0))
print(accepted, refused, left_out)
' "$1" "$work/server.log"
}

bounded()
{
	local format=$1 began accepted refused left_out pages=8

	log_lab "$format"
	began=$SECONDS
	flood 300
	for _ in $(seq "$pages"); do
		page client 4
	done
	wait_for "$patience" incomplete 300
	# One more that is logged, and says what was left out.
	while read -r accepted refused left_out <<<"$(read_log "$format")" &&
	    [ $((refused + left_out)) -lt 300 ]; do
		flood 1
		wait_for "$patience" incomplete \
		    $(($(tap_status server server incomplete) + 1))
	done
	[ "$accepted" -ge "$pages" ]
	same "$(tap_status server server accepted)" "$accepted" 'accepted'
	[ "$refused" -ge 50 ]
	[ "$refused" -le $((50 + 10 * (SECONDS - began + 1))) ]
}

check text bounded text
check json bounded json
finish
