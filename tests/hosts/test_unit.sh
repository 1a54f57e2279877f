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

# The other options that are given stand in it, and no others.
options_kept()
{
	local unit

	mkdir "$work/etc"
	unit=$(cd "$work/etc" && "$TAP" server --print-unit -v -p 22,80 \
	    -k 'a key' --queue 7 --metrics ../m/x.prom)
	has "$unit" "^ExecStart=$TAP server --port 22,80 --keys \"$work/etc/a \
key\" --metrics $work/etc/../m/x.prom --queue 7 --fallback \
/var/lib/tap/fallback-7 --verbose --unit %n\$"
	has "$unit" "^ExecReload=$TAP server --reload --port 22,80 --queue 7\$"
	# Whoever finds a server by its queue may find another one.
	lacks "$unit" '^ExecStop='
	has "$unit" '^KillMode=mixed$'
	has "$unit" "^ReadWritePaths=.* -$work/etc/../m\$"
	unit=$("$TAP" client --print-unit -c /root/x --backend pcap)
	has "$unit" "^ExecStart=$TAP client --conf /root/x --backend pcap\$"
	has "$unit" '^ProtectHome=read-only$'
	same 2 "$("$TAP" client --print-unit --to x:1 -k x -- true \
	    2>"$work/err" >&2 || echo $?)"
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
	wait_log server 'our firewall rules: restored'
	lacks "$(cat "$work/server.log")" 'permitted|denied|warning'
	end server
	page stranger 4
}

# What the kernel refuses then has other reasons.
fastpath_confined()
{
	local why

	lab
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	confine server
	tap_start server server server -k "$(key_file)" -a "$work/ACL.conf" \
	    -c "$(key_file fastpath=auto RULE:dst_port=80)"
	wait_for "$patience" decided
	lacks "$why" 'permitted|denied'
}

decided()
{
	why=$(on server "$TAP" server --status --json |
		sed -n 's/.*"fastpath_reason":"\([^"]*\)".*/\1/p')
	[ "$why" != 'not yet' ]
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
	lacks "$(on client "$TAP" client --status)" 'permitted|denied'
	end client
}

check valid valid
check options-kept options_kept
check server-confined server_confined
check fastpath-confined fastpath_confined
check client-confined client_confined
finish
