#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What a person can get wrong in files and surroundings: one line that names
# the file and the line, no secret in it, the right exit status, and no rule
# touched.  And what looks odd, but is right, and has to work.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# In all keys here, and in none of the messages.
secret=deadbeef0badf00ddeadbeef0badf00d
key="key_no=10, key=0x$secret"

# refused STATUS PATTERN COMMAND...: by one line on standard error
refused()
{
	local want=$1 pattern=$2 status=0

	shift 2
	timeout 20 ip netns exec "$net-server" "$@" >"$work/out" \
	    2>"$work/err" </dev/null || status=$?
	same "$want" "$status" "exit status ($(cat "$work/err"))"
	# Where there is no bpffs, a warning comes before.
	same 1 "$(grep -vc ': door: not pinned: ' "$work/err")" "lines ($(cat "$work/err"))"
	same 0 "$(wc -c <"$work/out")" 'output'
	has "$(cat "$work/err")" "$pattern"
	lacks "$(cat "$work/err")" "[dD][eE][aA][dD][bB]|badf00d"
}

# The files as they should be; each case spoils one.
good_files()
{
	rm -rf "${work:?}"/{conf,key,acl,client}
	echo 'RULE:dst_port=80' >"$work/conf"
	echo "$key" >"$work/key"
	echo 'port=80, key_no=10' >"$work/acl"
	echo "RULE:dst_port=80, $key" >"$work/client"
}

# Both ways: --check, and a start.
try()
{
	local file=$1 line=$2 pattern=$3 where check

	where="^$work/$file:"
	[ "$line" = - ] || where+="$line:"
	for check in --check ''; do
		if [ "$file" = client ]; then
			refused 2 "$where .*$pattern" "$TAP" client ${check:+"$check"} \
			    -c "$work/client"
		else
			refused 2 "$where .*$pattern" "$TAP" server ${check:+"$check"} \
			    -c "$work/conf" -k "$work/key" -a "$work/acl"
		fi
	done
	good_files
}

# bad FILE LINE PATTERN TEXT: the file has that text, as printf's %b takes it
bad()
{
	echo "$1: ${4:0:200}"
	printf '%b' "$4" >"$work/$1"
	try "$1" "$2" "$3"
}

long()
{
	printf "%.0s$1" $(seq "$2")
}

grammar()
{
	local file=$1 rule=$2 settings=$3 option

	bad "$file" 1 "unknown word 'colour'" "${rule}colour=red\n"
	bad "$file" 2 "not name=value" "# well\nnonsense\n"
	bad "$file" 1 "not name=value" "$rule,\n"
	bad "$file" 1 "has no value" "${rule}dst_port=\n"
	bad "$file" 1 'has no value' "${rule}dst_port=\"\"\n"
	bad "$file" 1 'quote not closed' "${rule}dst_port=\"80\n"
	bad "$file" 1 'comma expected' "${rule}dst_port=\"80\" x=1\n"
	bad "$file" 1 'longer than' "# $(long x 10000)\n"
	bad "$file" 2 'NUL' "\nRULE:dst_port=\\000080\n"
	bad "$file" - 'no [a-z]+ in it' ''
	bad "$file" - 'no [a-z]+ in it' '# only a comment\n\n \t\n'
	bad "$file" 1 'more than' "$rule$(long 'a=1,' 40)b=2\n"
	rm "$work/$file"
	try "$file" - 'No such file'
	rm "$work/$file"
	mkdir "$work/$file"
	try "$file" - 'directory'
	rm "$work/$file"
	ln -s "$work/nowhere" "$work/$file"
	try "$file" - 'No such file'
	for option in $settings; do
		bad "$file" 2 "$option: " "\n$option=purple\n"
		bad "$file" 2 "duplicate option '$option'" \
		    "$option=$(valid "$option")\n$option=$(valid "$option")\n"
	done
}

valid()
{
	case $1 in
	log) echo text ;;
	firewall) echo auto ;;
	mark) echo 0x100 ;;
	window) echo strict ;;
	loopback) echo open ;;
	*) echo 100 ;;
	esac
}

# What rules of both sides share.
rules_of()
{
	local file=$1 more=$2 port

	for port in 0 65536 70000 -1 80-70 80-x '"80,,81"' ' 80x' '"80 81"' \
	    99999999999999999999 http-alternative-x; do
		bad "$file" 1 'dst_port: ' "RULE:dst_port=$port$more\n"
	done
	bad "$file" 1 "'htp' is neither a port nor a service" \
	    "RULE:dst_port=htp$more\n"
	bad "$file" 1 "duplicate option 'dst_port'" \
	    "RULE:dst_port=80, dst_port=81$more\n"
	for port in 300.1.1.1 10.0.0.0/33 10.0.0.0:255.0.255.0 10.0.0 \
	    2001:db8::/129 '[2001:db8::1' example.org 10.0.0.1:80; do
		bad "$file" 1 'src_host: ' \
		    "RULE:dst_port=80, src_host=$port$more\n"
	done
	bad "$file" 1 'different IP versions' \
	    "RULE:dst_port=80, src_host=10.0.0.1, dst_host=fd00::1$more\n"
	bad "$file" 1 'outdev: ' "RULE:dst_port=80, outdev=a/b$more\n"
	bad "$file" 1 'outdev: ' \
	    "RULE:dst_port=80, outdev=averylonginterface$more\n"
	bad "$file" 1 'type: ' "RULE:dst_port=80, type=MODEM$more\n"
	bad "$file" 2 'settings stand before' \
	    "RULE:dst_port=80$more\nlog=text\n"
	bad "$file" 1 "dst_port belongs in a rule: RULE:dst_port=80" "dst_port=80$more\n"
	bad "$file" 1 "" "rule:dst_port=80$more\n"
	bad "$file" 3 'tolerance|unknown' \
	    "# a rule over lines\n\nRULE:dst_port=80, \\\\\n type=LOCAL, \\\\\n tolerance=x$more\n"
}

# Where a key may stand wrong, in a line that begins with $2.
keys_of()
{
	local file=$1 begin=$2

	bad "$file" 1 'key: 15 bytes' "${begin}key_no=1, key=0x${secret:2}\n"
	bad "$file" 1 'key: 65 bytes' \
	    "${begin}key_no=1, key=0x$secret$secret$secret${secret}00\n"
	bad "$file" 1 'key: ' "${begin}key_no=1, key=0x${secret}0\n"
	bad "$file" 1 'hexadecimal' "${begin}key_no=1, key=0x${secret}0g\n"
	bad "$file" 1 'key: ' "${begin}key_no=1, key=$secret\n"
	bad "$file" 1 'key has no value' "${begin}key_no=1, key=\n"
	bad "$file" 1 'key is missing' "${begin}key_no=1\n"
	bad "$file" 1 'key_no is missing' "${begin}key=0x$secret\n"
	bad "$file" 1 'key_no: ' "${begin}key_no=65536, key=0x$secret\n"
	bad "$file" 1 'key_no: ' "${begin}key_no=-1, key=0x$secret\n"
	bad "$file" 1 'key_no: ' "${begin}key_no=1-2, key=0x$secret\n"
	bad "$file" 1 'alg: ' "${begin}$key, alg=rot13\n"
	bad "$file" 1 'auth: ' "${begin}$key, alg=hmac-sha256, auth=31\n"
	bad "$file" 1 'auth: ' "${begin}$key, alg=hmac-md5, auth=60\n"
	bad "$file" 1 'realm: ' "${begin}$key, realm=x\n"
	bad "$file" 1 'realm: ' \
	    "${begin}$key, alg=hmac-sha256, realm=$(long r 33)\n"
	bad "$file" 1 'not_after: ' "${begin}$key, not_after=tomorrow\n"
	bad "$file" 1 'not_after: ' "${begin}$key, not_after=2030-02-30\n"
	bad "$file" 1 'not_after: ' \
	    "${begin}$key, not_before=2030-01-01, not_after=2029-01-01\n"
	# A key where it does not belong is not repeated either.
	bad "$file" 1 '' "${begin}0x$secret\n"
	bad "$file" 1 '' "${begin}key_no=1 key=0x$secret\n"
	bad "$file" 1 '' "${begin}key_no=0x$secret, key=1\n"
	bad "$file" 1 '' "${begin}key_no=1, name=x, 0x$secret=key\n"
}

# Who else may read it; whose it is.
secrecy()
{
	local file=$1 mode

	for mode in 644 640 604 660 602 620; do
		chmod "$mode" "$work/$file"
		try "$file" - "others may .*0$mode"
		chmod 600 "$work/$file"
	done
	chown nobody "$work/$file"
	try "$file" - 'belongs to'
	chown root "$work/$file"
}

# prepare, then what a test is, then: nothing was touched
untouched()
{
	lab server
	good_files
	rules server >"$work/before"
	"$@"
	rules server >"$work/after"
	diff "$work/before" "$work/after"
}

server_conf()
{
	grammar conf 'RULE:' 'tolerance window log queue firewall groups held'
	rules_of conf ''
	bad conf 1 'tolerance: ' 'RULE:dst_port=80, tolerance=0\n'
	bad conf 1 'tolerance: ' 'tolerance=100000\nRULE:dst_port=80\n'
	bad conf 1 'window: ' 'RULE:dst_port=80, window=maybe\n'
	bad conf 1 'queue: ' 'queue=65535\nRULE:dst_port=80\n'
	bad conf 1 'hide: ' 'RULE:dst_port=80, hide=away\n'
	bad conf 1 'hide: ' 'RULE:dst_port=80, hide=decoy:10.0.0.1\n'
	bad conf 1 'hide: ' 'RULE:dst_port=80, hide=decoy:10.0.0.1:0\n'
	bad conf 1 'hide: ' 'RULE:dst_port=80, hide=decoy:127.0.0.1:81\n'
	bad conf 1 'outdev: ' 'RULE:dst_port=80, outdev=eth0\n'
}

server_keys()
{
	grammar key '' ''
	keys_of key ''
	secrecy key
	bad key 3 'key_no 10 stands in line 1' "$key\n\n$key\n"
	bad key 1 'has no rules' "RULE:$key\n"
}

server_acl()
{
	grammar acl '' ''
	bad acl 1 'port: ' 'port=0, key_no=10\n'
	bad acl 1 'port: ' 'port=70000, key_no=10\n'
	bad acl 1 'port: ' 'port=htp, key_no=10\n'
	bad acl 1 'runs backwards' 'port=80-70, key_no=10\n'
	bad acl 1 'runs backwards' 'port=80, key_no=20-10\n'
	bad acl 1 'key_no: ' 'port=80, key_no=65536\n'
	bad acl 1 'key_no: ' 'port=80, key_no=alice\n'
	bad acl 1 'twice' 'port=80, key_no="10,11,10"\n'
	bad acl 1 'twice' 'port=80, key_no="10,5-15"\n'
	bad acl 2 'port 80 stands in line 1' \
	    'port=80, key_no=10\nport=70-90, key_no=11\n'
	bad acl 1 'key_no is missing' 'port=80\n'
	bad acl 1 'port is missing' 'key_no=10\n'
	bad acl 1 'a list needs quotes: key_no="10,11"' 'port=80, key_no=10,11\n'
	bad acl 1 'has no rules' 'RULE:port=80, key_no=10\n'
}

client_conf()
{
	grammar client 'RULE:' 'log queue firewall mark'
	rules_of client ", $key"
	keys_of client 'RULE:dst_port=80, '
	secrecy client
	bad client 1 'neither dst_host nor dst_port' "RULE:$key\n"
	bad client 1 "no user 'nosuchuser'" \
	    "RULE:dst_port=80, user=nosuchuser, $key\n"
	bad client 1 'user: ' "RULE:dst_port=80, user=4294967295, $key\n"
	bad client 1 'mark: ' "mark=0\nRULE:dst_port=80, $key\n"
	bad client 1 'mark: ' "mark=3\nRULE:dst_port=80, $key\n"
	bad client 1 'service_port: ' \
	    "RULE:dst_port=80, service_port=0, $key\n"
}

# usage NAMED COMMAND...: a wrong command line gets one line
usage()
{
	local named=$1 status=0

	shift
	on server "$TAP" "$@" >"$work/out" 2>"$work/err" || status=$?
	same 2 "$status" "tap $*"
	same 0 "$(wc -c <"$work/out")" 'output'
	has "$(cat "$work/err")" "$named"
	[ "$(wc -l <"$work/err")" -eq 1 ] || [ $# -eq 0 ] ||
		fail "not one line: $(cat "$work/err")"
}

options()
{
	usage 'usage: tap COMMAND'
	usage "no command 'serve'" serve
	usage "no command '--serve'" --serve
	usage 'colour' server --colour
	usage "requires an argument" server -c
	usage "unexpected argument 'x'" server x
	usage 'either -c or --port' server -c a --port 80
	usage 'queue: ' server --queue x
	usage 'queue: ' server --queue 65535
	usage '^--port: .*htp' server --port htp -k "$work/key"
	usage '^--port: port 70000' server --port 70000 -k "$work/key"
	usage 'colour' client --colour
	usage 'queue: ' client --queue -1
	usage 'no command' help serve
	refused 1 'no tap server is running with queue 77' "$TAP" server --status --queue 77
	refused 1 'no tap client is running with queue 77' "$TAP" client --status --queue 77
}

# What is right, although it may look odd: --check says so, without a word.
fine()
{
	local side=$1 text

	printf '%b' "$2" >"$work/fine.conf"
	if [ "$side" = client ]; then
		set -- client --check -c "$work/fine.conf"
	else
		set -- server --check -c "$work/fine.conf" -k "$work/key" \
		    -a "$work/acl"
	fi
	text=$(on server "$TAP" "$@" 2>&1) || fail "refused: $text"
	same '' "$text"
}

fine_files()
{
	local papers_key=0xA1949A68393EA4B339FB8A597C38DBC9
	local other_key=0xC9A287541C12164770881DCBFC473C2C
	local name

	fine server 'RULE:dst_port=80'
	fine server '\r\n# CRLF\r\nlog=json\r\nRULE:dst_port=80\r\n'
	fine server 'RULE:dst_port=80, \\\n\tsrc_host=10.0.0.0/8, \\\n type=LOCAL\n'
	fine server 'RULE:dst_port=80,\\\r\ntype=LOCAL\r\n'
	fine server '  RULE: dst_port = 80 , type = LOCAL # and so on\n'
	fine server 'RULE:dst_port="22, 80,8000-8010,www,443"\n'
	fine server 'RULE:dst_port=ANY, src_host=ANY, indev=ANY, outdev=ANY\n'
	fine server 'RULE:dst_host=2001:db8::/32\nRULE:src_host=[::1]\n'
	fine server 'tolerance=10\nRULE:dst_port=80\nRULE:dst_port=80\n'
	fine server 'RULE:dst_port=80 # "an open quote'
	fine server "RULE:dst_port=\"$(seq -s, 1000 1200)\"\n"

	# The papers' own, as they print them (000, 7.1 and 7.2).
	printf '%s\n' "key_no=10, key=$papers_key" \
	    "key_no=11, key=$other_key" >"$work/key"
	printf '%s\n' 'port=80, key_no="10,11"' \
	    'port=8080, key_no="10,20-23"' >"$work/acl"
	fine server 'RULE:indev=eth0, outdev=ANY, src_host=202.33.69.0:255.255.255.0, dst_host=211.7.133.3, dst_port=8080, type=LOCAL\nRULE:dst_port=www\n'
	# The paper's user may not be here; root stands for him.
	for name in root 1000; do
		fine client "RULE:outdev=eth0, user=$name, src_host=192.168.0.0:255.255.255.0, dst_host=211.7.133.3, dst_port=8080, key_no=10, key=$papers_key, type=LOCAL\nRULE:dst_host=211.7.133.3, dst_port=80, key_no=11, key=$other_key\n"
	done
	fine client "log=json\r\nRULE:dst_port=80,\\\\\n key_no=1,\\\\\n key=$papers_key\n"
	fine client "RULE:dst_port=443, service_port=8443, key_no=1, key=$papers_key, alg=hmac-sha256, auth=118, realm=0x00ff\n"

	# And they work, not only parse.
	good_files
	printf 'RULE:dst_port=8080, \\\r\n  type=LOCAL\r\n' >"$work/conf"
	tap_start server server server -c "$work/conf" -k "$work/key" \
	    -a "$work/acl"
	has "$(on server nft list ruleset)" 8080
	end server
}

# As the user nobody, whose own the files are.
unprivileged()
{
	local side

	chmod 755 "$dir/case" "$work"
	chown nobody "$work"/{key,conf,acl,client}
	for side in server client; do
		case $side in
		server) set -- -c "$work/conf" -k "$work/key" -a "$work/acl" ;;
		client) set -- -c "$work/client" ;;
		esac
		refused 3 'not permitted.*root' setpriv --reuid=nobody \
		    --regid=nogroup --clear-groups "$TAP" "$side" "$@"
		# What needs no privilege works without.
		same 0 "$(status_of on server setpriv --reuid=nobody \
		    --regid=nogroup --clear-groups "$TAP" "$side" --check "$@")"
	done
}

# without PROGRAM...: neither server nor client can do without these
without()
{
	local program hide='true'

	for program in "$@"; do
		hide+=" && mount --bind $work/none $program"
	done
	echo "no program" >"$work/none"
	chmod 644 "$work/none"
	refused 3 'no firewall rules: nft: not installed; iptables-restore: not installed' \
	    sh -c "$hide"' && mount -t tmpfs none /var/lib && exec "$@"' sh \
	    "$TAP" server -c "$work/conf" -k "$work/key" -a "$work/acl"
	refused 3 'no firewall rules: nft: not installed; iptables-restore: not installed' \
	    sh -c "$hide"' && exec "$@"' sh "$TAP" client -c "$work/client"
}

no_tools()
{
	# shellcheck disable=SC2046 # a path each
	without $(realpath /usr/sbin/nft /usr/sbin/iptables-nft-restore \
	    /usr/sbin/iptables-legacy-restore | sort -u)
}

umask 077
chmod 755 "$dir"
for name in server_conf server_keys server_acl client_conf options fine_files \
    unprivileged no_tools; do
	check "${name//_/-}" untouched $name
done
finish
