#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Each allocation of each command fails in turn (scarce.c): one line says so,
# the exit status is 3, and nothing is half done.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SCARCE:=$here/../../.build/system/tests/hosts/scarce.so}"
: "${SCARCE_TAP:=$here/../../.build/system/tap}"
no_memory='[Oo]ut of memory|Cannot allocate memory'

# Where tap runs: the beginning of a command.
where=()

# scarce N ARGUMENT...: tap, with allocation N failing
scarce()
{
	rm -f "$work/told"
	"${where[@]}" env SCARCE_AT="$1" SCARCE_TOLD="$work/told" \
	    LD_PRELOAD="$SCARCE" "$SCARCE_TAP" "${@:2}"
}

# refused STATUS LOG WHAT
refused()
{
	same 3 "$1" "exit status of $3"
	# How the door stands here is told before.
	same 1 "$(grep -vc ': door: ' "$2")" "lines of $3: $(cat "$2")"
	has "$(cat "$2")" "$no_memory" "$3"
	lacks "$(cat "$2")" "$secret" "$3"
}

# Commands: what makes things as they are before a run, and what succeeds
# where they still are.
begin=:
left_alone=:

# each ARGUMENT...: of tap, which succeeds when it has memory
each()
{
	local n=0 status

	"$begin"
	"${where[@]}" "$SCARCE_TAP" "$@" >"$work/usual"
	while :; do
		n=$((n + 1))
		status=0
		"$begin"
		scarce "$n" "$@" >"$work/out" 2>"$work/errors" || status=$?
		[ -e "$work/told" ] || break
		if [ "$status" = 0 ]; then
			# One that the C library does without.
			same "$(wc -l <"$work/usual")" \
			    "$(wc -l <"$work/out")" 'lines of output'
			continue
		fi
		refused "$status" "$work/errors" "allocation $n of tap $*"
		same '' "$(cat "$work/out")" 'standard output'
		"$left_alone" || fail "allocation $n of tap $* leaves something"
	done
	same 0 "$status" "tap $*: $(cat "$work/errors")"
	echo "$((n - 1)) allocations: tap $*"
	[ "$n" -gt 3 ] || fail "only $n allocations by tap $*"
}

conf_files()
{
	printf '%s\n' tolerance=5 run_as=nobody \
	    'RULE:dst_port="ssh,8000-8010"' RULE:dst_port=80 \
	    >"$work/TAPservd.conf"
	printf '%s\n' 'port=80, key_no="10,20"' 'port=22, key_no=ANY' \
	    >"$work/ACL.conf"
	server=(-c "$work/TAPservd.conf" -a "$work/ACL.conf" -k "$(key_file \
	    "key_no=10, key=0x$secret, name=alice" \
	    "key_no=20, key=0x$secret, alg=hmac-sha256")")
}

old_acl()
{
	cp "$work/old" "$work/ACL.conf"
}

acl_as_it_was()
{
	diff "$work/old" "$work/ACL.conf" >&2 &&
		same '' "$(find "$work" -name '.*.new')" 'new files'
}

acl()
{
	local server

	conf_files
	cp "$work/ACL.conf" "$work/old"
	each acl check "${server[@]}"
	each acl check "${server[@]}" --json
	each acl show "${server[@]}"
	each acl test "${server[@]}" -p 80 -n 10
	begin=old_acl
	left_alone=acl_as_it_was
	each acl allow "${server[@]}" -p 443 -n 10,20
}

no_keys()
{
	rm -rf "$work/both"
	: >"$work/keys"
}

still_no_keys()
{
	[ ! -e "$work/both" ] && [ ! -s "$work/keys" ]
}

keygen()
{
	umask 077
	each keygen -n 7 --name alice
	begin=no_keys
	left_alone=still_no_keys
	each keygen -n 7 --client 192.0.2.1:80 --both "$work/both"
	each keygen -n 7 --count 3 --append "$work/keys"
}

ended_or_ready()
{
	grep -q ': ready:' "$work/$1.log" || ! kill -0 "${pids[$1]}"
}

# each_start ARGUMENT...: of a daemon, up to where it is ready; what it can do
# without is told as a warning then
each_start()
{
	local before n=0 status

	before=$(rules server)
	while :; do
		n=$((n + 1))
		rm -f "$work/told"
		start daemon server env SCARCE_AT="$n" \
		    SCARCE_TOLD="$work/told" LD_PRELOAD="$SCARCE" \
		    "$SCARCE_TAP" "$@"
		wait_for "$patience" ended_or_ready daemon
		if grep -q ': ready:' "$work/daemon.log"; then
			end daemon
			[ -e "$work/told" ] || break
			continue
		fi
		status=0
		wait "${pids[daemon]}" || status=$?
		refused "$status" "$work/daemon.log" "allocation $n of tap $*"
	done
	same "$before" "$(rules server)" rules
	echo "$((n - 1)) allocations: tap $*"
	[ "$n" -gt 3 ] || fail "only $n allocations by tap $*"
}

server()
{
	local server

	lab server
	conf_files
	each server --check "${server[@]}"
	each server --print-rules "${server[@]}"
	each_start server "${server[@]}"
}

client()
{
	local conf

	lab server
	conf=$(client_rule 'dst_port=80, user=nobody')
	each client --check -c "$conf"
	each client --print-rules -c "$conf"
	each_start client -c "$conf"
}

scan()
{
	lab server
	on server "$SCARCE_TAP" scan-check 127.0.0.1 -p 9,10 --scan connect \
	    --json >"$work/before.json"
	cat >"$work/nmap.xml" <<-END
		<?xml version="1.0"?>
		<nmaprun scanner="nmap"><scaninfo type="connect" protocol="tcp"/><host>
		<status state="up"/><address addr="127.0.0.1" addrtype="ipv4"/>
		<ports><port protocol="tcp" portid="9">
		<state state="closed"/></port></ports></host></nmaprun>
	END
	where=(on server)
	each scan-check 127.0.0.1 -p 9,10 --scan connect \
	    --before "$work/before.json" --nmap-xml "$work/nmap.xml"
}

path()
{
	lab client server
	on client "$SCARCE_TAP" probe-path "$(addr 4 server)" \
	    --offline "$work/plan" -w "$work/near.pcap"
	each probe-path --compare "$work/plan" "$work/near.pcap"
}

if [ ! -e "$SCARCE" ] || [ ! -x "$SCARCE_TAP" ]; then
	report SKIP memory "$SCARCE is not there: make DEPS=system CC=gcc scarce"
	exit 0
fi
SCARCE=$(realpath "$SCARCE")
SCARCE_TAP=$(realpath "$SCARCE_TAP")
for name in acl keygen server client scan path; do
	check "$name" "$name"
done
finish
