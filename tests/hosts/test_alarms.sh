#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Alarms, and switch=next: whoever one is of goes to the decoy from then on.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# switching FAMILY FASTPATH [LINE...]: a server of port 80 with a decoy, and a
# key holder; the lines are more of its settings
switching()
{
	local decoy

	lab
	family=$1
	decoy=$(addr "$1" server)
	[ "$1" = 4 ] || decoy="[$decoy]"
	http_start server 80 8080
	{
		echo "fastpath=$2"
		[ $# -lt 3 ] || printf '%s\n' "${@:3}"
		echo "RULE:dst_port=80, decoy=$decoy:8080, switch=next"
	} >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	keys=$(key_file "key_no=10, key=0x$secret, alg=hmac-sha256, name=mallory")
	serve
	[ "$2" = off ] || wait_for "$patience" fast_path_known server server
	tap_start client client client -c "$(client_rule dst_port=80)"
}

serve()
{
	tap_start server server server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
}

tap_server()
{
	on server "$TAP" server -c "$work/TAPservd.conf" "$@"
}

# hold: a connection that stays open; $port is the client's
hold()
{
	mkfifo "$work/held.fifo"
	# shellcheck disable=SC2016 # for the inner shell
	start held client sh -c 'exec "$@" <>"$0"' "$work/held.fifo" \
	    nc.openbsd "-$family" "$(addr "$family" server)" 80
	wait_for "$patience" held
	port=$(on server ss -Htn state established 'sport = :80' |
		sed -n 's/.*:\([0-9]*\) *$/\1/p')
	[ -n "$port" ]
}

held()
{
	on server ss -Htn state established 'sport = :80' | grep -q .
}

# eve SRC SPORT DST DPORT [SEVERITY]: an alert as Suricata 7 writes it
eve()
{
	printf '{"timestamp":"2026-12-01T14:00:00.123456+0000","flow_id":%s' \
	    1234567890123456
	printf ',"in_iface":"eth0","event_type":"alert","src_ip":"%s"' "$1"
	printf ',"src_port":%s,"dest_ip":"%s","dest_port":%s' "$2" "$3" "$4"
	printf ',"proto":"TCP","pkt_src":"wire/pcap","alert":{"action":'
	printf '"allowed","gid":1,"signature_id":2019232,"rev":5,"signature":'
	printf '"ET WEB_SERVER Shellshock","category":"Attempted Admin"'
	printf ',"severity":%s},"app_proto":"http","direction":' "${5:-1}"
	printf '"to_server","flow":{"pkts_toserver":4,"src_ip":"%s"}}\n' "$1"
}

# led: the client's next page is the decoy's
led()
{
	same 'page of 8080' "$(on client curl -sS --max-time "$patience" \
	    "$(url "$family" server)")"
}

# An alert ends the connection, whichever way it points, and all later ones are
# the decoy's, until that is taken back.
by_alert()
{
	local fastpath=$2

	switching "$1" "$fastpath" "alarm_file=eve:$work/eve.json"
	page client "$family"
	hold
	eve "$(addr "$family" server)" 80 "$(addr "$family" client)" "$port" \
	    >>"$work/eve.json"
	wait_log server 'alarm key=10 name=mallory .*connection=reset'
	wait_for "$patience" gone held
	led
	wait_log server ' led key=10 name=mallory '
	hidden "$family"
	has "$(tap_server --alarms)" \
	    'key 10 \(mallory\), since .*sid 2019232, severity 1: ET WEB'
	has "$(tap_server --alarms --json)" '"key":10,"name":"mallory","since"'
	same '1 1 1 1 2' "$(tap_status server server alerts alarms \
	    switched_reset led listed)"
	# Another one of the same connection is no other switch.
	eve "$(addr "$family" client)" "$port" "$(addr "$family" server)" 80 \
	    >>"$work/eve.json"
	wait_for "$patience" tap_counts server server alerts 2
	same 1 "$(tap_status server server alarms)"
	tap_server --calm key=mallory
	led # by its address
	tap_server --calm "$(addr "$family" client)"
	page client "$family"
	same 0 "$(tap_status server server listed)"
	same 1 "$(status_of tap_server --calm key=10)"
}

# alerts N: wait until so many were read
alerts()
{
	wait_for "$patience" tap_counts server server alerts "$1"
}

# Files of alerts come, go, are rotated, cut and torn; what is of nobody who was
# accepted counts for nothing.
files()
{
	local log=$work/var/suricata/eve.json alert

	switching 4 off "alarm_file=eve:$log" \
	    "alarm_file=snort-fast:$work/fast" 'alarm_score=100' \
	    'alarm_severity="1,2"'
	alert=$(eve "$(addr4 stranger)" 1234 "$(addr4 server)" 80)
	wait_log server "$log: not there yet"
	mkdir -p "$work/var/suricata"
	echo "$alert" >"$log"
	alerts 1
	# In pieces, and with what is none.
	printf '%s' "${alert:0:100}" >>"$log"
	printf '%s\nrubbish\n\n{"event_type":"flow"}\n' "${alert:100}" >>"$log"
	alerts 2
	wait_log server 'a line that can.t be read'
	# By logrotate: the writer has the old one open for some time.
	exec 9>>"$log"
	mv "$log" "$log.1"
	echo "$alert" >&9
	alerts 3
	echo "$alert" >"$log"
	alerts 4
	echo "$alert" >&9
	alerts 5
	exec 9>&-
	mv "$log" "$log.1"
	echo "$alert" >"$log"
	alerts 6
	# By copytruncate.
	: >"$log"
	wait_log server "$log: became shorter"
	echo "$alert" >>"$log"
	alerts 7
	# A line of ten megabytes, with the fields behind it.
	{
		printf '{"payload":"'
		head -c 10000000 /dev/zero | tr '\0' x
		printf '",%s\n' "${alert:1}"
	} >>"$log"
	alerts 8
	# Its folder goes, and comes again.
	mv "$work/var/suricata" "$work/var/old"
	mkdir "$work/var/suricata"
	echo "$alert" >"$log"
	alerts 9
	printf '%s %s %s\n' '12/01-14:00:00.1 [**] [1:9:1] m [**]' \
	    '[Priority: 3] {TCP}' "$(addr4 stranger):1 -> $(addr4 server):80" \
	    >"$work/fast"
	alerts 10
	same '1 9' "$(tap_status server server alerts_passed alerts_unknown)"
	has "$(tap_server --alarms --json)" '"list":\[\]'
	# The process that reads them has nothing but these, and no rights; where
	# it is gone, another one goes on.
	reader=$(worker server | while read -r pid; do
		! readlink "/proc/$pid"/fd/* | grep -q inotify || echo "$pid"
	done)
	same 8 "$(find "/proc/$reader/fd" -type l | wc -l)" # of three files
	same 0 "$(awk '/^CapPrm/ { print $2 + 0 }' "/proc/$reader/status")"
	same 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$reader/status")"
	# What others share is not its.
	refute grep -q "^[^ ]* ...s" "/proc/$reader/maps"
	kill -KILL "$reader"
	wait_log server 'another one goes on'
	echo "$alert" >>"$log"
	alerts 11
}

# By hand, and by any program; the list outlives the server.
by_hand()
{
	local list=$work/server-lib/tap/switched-5040

	switching "$1" off
	hold
	same 1 "$(status_of tap_server --alarm \
	    "[$(addr "$family" client)]:1")"
	same 1 "$(status_of tap_server --alarm key=11)"
	same 2 "$(status_of tap_server --alarm nobody)"
	same 2 "$(status_of tap_server --for 1h)"
	page client "$family"
	has "$(tap_server --alarm "[$(addr "$family" client)]:$port -> [$(addr \
	    "$family" server)]:80" --for 1h --reason 'it knocks "oddly"')" \
	    '1 open connection switched'
	wait_for "$patience" gone held
	led
	has "$(tap_server --alarms)" 'until 20.*Z: it knocks .oddly.'
	has "$(cat "$list")" 'key_no=10, since=.*, until=.*, why="it knocks'
	end server
	serve
	wait_log server '2 of the keys and addresses go to the decoy'
	led
	# A reload that takes switch= away takes the list out of force.
	sed -i 's/, decoy=.*//' "$work/TAPservd.conf"
	tap_server --reload
	page client "$family"
	end server
	# Lines that can't be read are told of; the others hold.
	sed -i -e 's/^key_no=10/key_no=ten/' "$list"
	sed -i "s/^RULE:dst_port=80/&, decoy=$(addr4 server):8080, switch=next/" \
	    "$work/TAPservd.conf"
	serve
	wait_log server 'switched-5040:2: key_no: .ten.*; 1 line of it left out'
	has "$(tap_server --status --json)" '"alarm":"[^"]*switched-5040:2: '
	[ "$family" = 6 ] || led
	tap_server --calm all
	page client "$family"
	# For one second.
	tap_server --alarm key=10 --for 1s
	wait_log server 'the time of some is up'
	page client "$family"
}

# Left open, where the rule says so; the next one is the decoy's.
kept()
{
	switching 4 off
	sed -i 's/switch=next/&, switch_open=keep/' "$work/TAPservd.conf"
	tap_server --reload
	hold
	tap_server --alarm key=10
	wait_log server 'alarm key=10 .*connection=left'
	led
	held
	printf 'GET / HTTP/1.0\r\n\r\n' >"$work/held.fifo"
	wait_log held 'page of 80$'
}

# A session of SSH, and its next one.
ssh_next()
{
	lab
	ssh_start server
	http_start server 8022
	printf '%s\n' fastpath=off \
	    "RULE:dst_port=22, decoy=$(addr4 server):8022, switch=next" \
	    >"$work/TAPservd.conf"
	echo 'port=22, key_no=10' >"$work/ACL.conf"
	keys=$(key_file)
	serve
	tap_start client client client -c "$(client_rule dst_port=22)"
	start session client ssh "${ssh_args[@]}" "root@$(addr4 server)" \
	    'echo in; exec sleep 1000'
	wait_log session '^in$'
	tap_server --alarm "$(addr4 client)"
	await session 255
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | on client nc.openbsd -N \
	    "$(addr4 server)" 22)" 'page of 8022$'
}

# fail2ban, which reads the service's own log, after real attacks.
fail_to_ban()
{
	local etc=$work/fail2ban

	command -v fail2ban-server >/dev/null || skip 'no fail2ban'
	switching 4 off
	mkdir -p "$etc/action.d" "$etc/filter.d"
	cp /etc/fail2ban/fail2ban.conf "$etc"
	printf '%s\n' '[Definition]' 'dbfile = None' >"$etc/fail2ban.local"
	cp "$here/../../man/examples/fail2ban-tap.conf" "$etc/action.d/tap.conf"
	printf '%s\n' '[Definition]' \
	    'failregex = ^<HOST> .*"GET /[^"]*(?:\.\./|%%2e)[^"]*"' \
	    >"$etc/filter.d/attack.conf"
	: >"$work/access.log"
	printf '%s\n' '[attack]' 'enabled = true' 'backend = pyinotify' \
	    "logpath = $work/access.log" 'filter = attack' 'maxretry = 2' \
	    'bantime = 600' \
	    "action = tap[tap=\"$TAP\", conf=\"$work/TAPservd.conf\"]" \
	    >"$etc/jail.conf"
	end nginx QUIT
	sed -i "s,access_log off,access_log $work/access.log," \
	    "$work/nginx.conf"
	start nginx server nginx -e stderr -p "$work" -c "$work/nginx.conf"
	wait_port server 8080
	start fail2ban server fail2ban-server -f -x --loglevel INFO \
	    --logtarget STDOUT --syslogsocket auto -c "$etc" \
	    -s "$work/f2b.sock" -p "$work/f2b.pid"
	wait_log fail2ban 'Jail .attack. started'
	page client 4
	for _ in 1 2 3; do
		on client curl -s --path-as-is --max-time "$patience" \
		    "$(url 4 server)a/%2e%2e/../etc/passwd" >/dev/null || :
	done
	wait_log server 'listed src=10.77.0.2.* reason="?fail2ban attack'
	led
	on server fail2ban-client -c "$etc" -s "$work/f2b.sock" \
	    set attack unbanip "$(addr4 client)"
	wait_log server 'unlisted src=10.77.0.2'
	page client 4
}

check by-alert-4 by_alert 4 off
check by-alert-6 by_alert 6 off
check by-alert-kernel by_alert 4 generic
check files files
check by-hand-4 by_hand 4
check kept kept
check ssh ssh_next
check fail2ban fail_to_ban
finish
