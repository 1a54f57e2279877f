#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The systemd units: valid, and with enough privileges for all that a server
# and a client do.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# confine server|client: tap_run goes on with the capabilities of its unit
confine()
{
	local names

	names=$("$TAP" "$1" --print-unit |
		sed -n 's/^CapabilityBoundingSet=//p' | tr 'A-Z ' 'a-z,')
	# shellcheck disable=SC2016 # tap_run evaluates it
	mounts='shift; set -- "$0" setpriv --no-new-privs \
		--bounding-set "'-all,+${names//,cap_/,+}'" "$@"; true'
	mounts=${mounts//+cap_/+}
	[ -z "${without:-}" ] || mounts=${mounts/,+bpf,+perfmon/}
}

valid()
{
	local side

	command -v systemd-analyze >/dev/null || skip 'no systemd-analyze here'
	for side in server client; do
		"$TAP" "$side" --print-unit >"$work/tap-$side.service"
		# The page that it names is not installed here.
		systemd-analyze verify --man=no "$work/tap-$side.service" \
		    >"$work/$side.log" 2>&1
		# What it says of other units is not of ours.
		lacks "$(cat "$work/$side.log")" "tap-$side.service"
	done
}

# A worker of another user is ended and started, metrics are written where
# somebody else keeps them.
server_confined()
{
	lab
	http_start server 80
	tap_start client client client -c "$(client_rule dst_port=80)"
	mkdir "$work/metrics"
	chown nobody "$work/metrics"
	confine server
	tap_start server server server -p 80 -k "$(key_file)" \
	    --metrics "$work/metrics/tap.prom"
	page client 4
	wait_for "$patience" test -s "$work/metrics/tap.prom"
	signal server HUP
	wait_log server ': reloaded:'
	page client 6
	hidden 4
	on server nft flush ruleset
	wait_log server ': put back'
	lacks "$(cat "$work/server.log")" 'permitted|denied|warning'
	end server
	page stranger 4
}

# both_start SIDE: the one side confined
both_start()
{
	lab
	http_start server 80
	mounts=:
	[ "$1" = client ] || confine server
	tap_start server server server -p 80 -k "$(key_file)"
	mounts=:
	[ "$1" = server ] || confine client
	tap_start client client client -c "$(client_rule dst_port=80)"
	wait_for "$patience" fast_path_known "$1" "$1"
	why=$(on "$1" "$TAP" "$1" --status --json |
		sed -n 's/.*"fastpath_reason":"\([^"]*\)".*/\1/p')
}

# What the kernel refuses then has other reasons.
fastpath_confined()
{
	local why

	both_start "$1"
	lacks "$why" 'permitted|denied'
	page client 4
}

# Without the capabilities that are for it alone, all is as without it.
fastpath_denied()
{
	local why without=yes

	both_start "$1"
	has "$why" 'permitted|denied|built without clang|no TCX'
	lacks "$(cat "$work/$1.log")" 'permitted|denied|warning'
	for family in 4 6; do
		page client "$family"
		hidden "$family"
	done
	wait_for "$patience" tap_counts server server accepted 2
}

# The programs of other users are known.
client_confined()
{
	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	confine client
	tap_start client client client -c "$(client_rule \
	    "dst_port=80, exe=$(readlink -f "$(command -v curl)")")"
	same 'page of 80' "$(on client setpriv --reuid=nobody \
	    --regid=nogroup --clear-groups curl -sS --max-time "$patience" \
	    "$(url 4 server)")"
	signal client HUP
	wait_log client ': reloaded:'
	page client 6
	end client
}

check valid valid
check server-confined server_confined
for side in server client; do
	check "fastpath-confined-$side" fastpath_confined $side
	check "fastpath-denied-$side" fastpath_denied $side
done
check client-confined client_confined
finish
