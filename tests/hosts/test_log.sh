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
	keys=$(key_file "key_no=10, name=alice, key=0x$secret, alg=hmac-sha256")
	tap_run server server server -c "$work/TAPservd.conf" \
	    -a "$work/acl" -k "$keys"
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

# last_fields COMMAND...: of the lines of a table, all but the time
last_fields()
{
	on server "$TAP" server "$@" | cut -f 2-
}

# who FORMAT: who came in, by the log, and who is still there
who()
{
	local line port

	log_lab "$1"
	line=(-c "$work/TAPservd.conf" -a "$work/acl" -k "$keys")
	page client 4
	page client 6
	# A connection that stays.
	start holds client "$python" -c '
import socket, sys
with socket.create_connection((sys.argv[1], 80)) as s:
    print(s.getsockname()[1], flush=True)
    s.recv(1)' "$(addr 4 server)"
	wait_log holds '[0-9]'
	port=$(cat "$work/holds.log")
	same "10 alice $(addr 4 client):$port $(addr 4 server):80" \
	    "$(last_fields --last --log "$work/server.log" | head -n 1 |
		cut -f 1-4 | tr '\t' ' ')"
	same 3 "$(last_fields --last --key alice --log - <"$work/server.log" |
		wc -l)"
	same 3 "$(last_fields --last --since 1h --key 10 --log \
	    "$work/server.log" --json | grep -c '"name":"alice"')"
	same 1 "$(status_of on server "$TAP" server --last --key 11 \
	    --log "$work/server.log")"
	same "10 alice $(addr 4 client):$port $(addr 4 server):80" \
	    "$(last_fields --who "${line[@]}" --log "$work/server.log" |
		cut -f 1-4 | tr '\t' ' ')"
	same 1 "$(status_of on server "$TAP" server --who "${line[@]}" \
	    --key 11 --log "$work/server.log")"
	# Whoever no line tells of is shown, and that it is not known.
	: >"$work/empty"
	same "- - $(addr 4 client):$port $(addr 4 server):80" \
	    "$(last_fields --who "${line[@]}" --log "$work/empty" |
		cut -f 1-4 | tr '\t' ' ')"
	end holds || same 143 $? 'the one that stayed'
	page client 4
	wait_for "$patience" gone_now "${line[@]}"
}

gone_now()
{
	[ "$(status_of on server "$TAP" server --who "$@" \
	    --log "$work/server.log" 2>/dev/null)" = 1 ]
}

check who-text who text
check who-json who json
check text bounded text
check json bounded json
finish
