#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap keygen: what it prints, for each option, and what it refuses.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

# One line that looks like that, and nothing on standard error.
prints()
{
	local pattern=$1

	shift
	exits 0 "$TAP" keygen "$@"
	same '' "$(cat err)" 'standard error'
	same 1 "$(wc -l <out)" 'lines'
	has "$(cat out)" "^$pattern\$"
}

case_default()
{
	prints "key_no=10, key=$hex{64}, alg=hmac-sha256, auth=60" --key-no 10
	prints "key_no=65535, key=$hex{64}, alg=hmac-sha256, auth=60" -n 65535
}

case_papers()
{
	prints "key_no=10, key=$hex{32}" --key-no 10 --alg hmac-md5
	prints "key_no=10, key=$hex{128}" --key-no 10 --alg hmac-md5 --bytes 64
	prints "RULE:dst_host=211.7.133.3, dst_port=8080, key_no=10,$(
		) key=$hex{32}, type=LOCAL" --key-no 10 --alg hmac-md5 \
		--client 211.7.133.3:8080
}

case_words()
{
	local bits bytes

	for bits in 30 60 89 118; do
		prints "key_no=1, key=$hex{64}, alg=hmac-sha256, auth=$bits" \
		    --key-no 1 --auth $bits
	done
	for bytes in 16 17 63 64; do
		prints "key_no=1, key=$hex{$((2 * bytes))}, alg=.*" \
		    --key-no 1 --bytes $bytes
	done
	prints '.*, auth=60, realm=db.example, name=alice' -n 1 \
	    --name alice --realm db.example
	prints '.*, auth=60, realm=0x612062, name="Alice B., #1"' -n 1 \
	    --name 'Alice B., #1' --realm 'a b'
	prints '.*, auth=60, realm=0x00FF' -n 1 --realm 0x00ff
}

case_times()
{
	local before after

	prints '.*, not_before=2030-01-01T00:00:00Z, not_after=2031-01-01T00:00:00Z' \
	    -n 1 --not-before 2030-01-01 --not-after 2031-01-01
	prints '.*, not_before=2030-01-01T00:00:00Z, not_after=2030-04-01T00:00:00Z' \
	    -n 1 --not-before 2030-01-01 --valid 90d
	before=$(date +%s)
	prints '.*, not_after=[-0-9T:]+Z' -n 1 --valid 90d
	after=$(date -d "$(sed 's/.*not_after=//' out)" +%s)
	[ $((after - before)) -ge $((90 * 86400)) ]
	[ $((after - before)) -le $((90 * 86400 + patience)) ]
	exits 0 "$TAP" keygen -n 1 --not-after 2020-01-01
	has "$(cat err)" 'warning: not_after is past'
}

case_clients()
{
	local line

	exits 0 "$TAP" keygen -n 7 --client 192.0.2.1:22 \
	    --client '[2001:db8::1]:443' --client 10.0.0.0/8:8000-8010 \
	    --client '[2001:db8::]/32:ssh' --client 192.0.2.9:ANY \
	    --client ANY:5432 --name a --valid 1d
	same 6 "$(wc -l <out)"
	# One key, for all of them.
	same 1 "$(grep -o 'key=0x[0-9A-F]*' out | sort -u | wc -l)"
	line=$(sed -n 2p out)
	has "$line" '^RULE:dst_host=\[2001:db8::1\], dst_port=443, key_no=7, '
	has "$line" ', name=a, not_after=.*, type=LOCAL$'
	"$TAP" client --check -c out
}

case_json()
{
	exits 0 "$TAP" keygen -n 7 --name 'a, b' --realm r --json --count 2
	"$python" -c '
import json, sys
keys = [json.loads(line) for line in open("out")]
assert [k["key_no"] for k in keys] == [7, 8], keys
for k in keys:
	assert k["name"] == "a, b" and k["realm"] == "r", k
	assert k["alg"] == "hmac-sha256" and k["auth"] == 60, k
	assert k["bytes"] == 32 and len(k["key"]) == 66, k
	assert k["not_before"] is None and k["not_after"] is None, k
	assert k["line"].startswith("key_no=%d, key=%s," %
				    (k["key_no"], k["key"])), k
open("server.key", "w").write("".join(k["line"] + "\n" for k in keys))'
	"$TAP" server --check -p 80 -k server.key
	exits 0 "$TAP" keygen -n 7 --json --client 192.0.2.1:22 \
	    --client 192.0.2.2:22
	"$python" -c '
import json
key = json.load(open("out"))
assert len(key["rules"]) == 2 and "line" not in key, key
open("client.conf", "w").write("".join(r + "\n" for r in key["rules"]))'
	"$TAP" client --check -c client.conf
	# Where the secret goes elsewhere, it is not in the JSON.
	exits 0 "$TAP" keygen -n 9 --json --append server.key
	lacks "$(cat out)" '0x'
	has "$(cat out)" '"key_no":9,.*"server_file":"server.key"'
}

case_count()
{
	exits 0 "$TAP" keygen -n 65533 --count 3
	same '65533 65534 65535' "$(sed 's/key_no=//; s/,.*//' out | xargs)"
	refuses 1 'no number left' keygen -n 65533 --count 4
	key_line 11 >server.key
	key_line 13 >>server.key
	exits 0 "$TAP" keygen -n 10 --count 3 --append server.key
	same '10 12 14' "$(xargs <out)"
	same '11 13 10 12 14' \
	    "$(sed 's/key_no=//; s/,.*//' server.key | xargs)"
}

# Without a number: one above all others, printed, and never one between,
# which the access list may still have.
case_next_number()
{
	exits 0 "$TAP" keygen --append server.key
	same 1 "$(cat out)"
	key_line 40 >>server.key
	exits 0 "$TAP" keygen --append server.key --name bob
	same 41 "$(cat out)"
	exits 0 "$TAP" keygen --append server.key --count 2
	same '42 43' "$(xargs <out)"
	exits 0 "$TAP" keygen --both d --client 192.0.2.1:22
	same 1 "$(cat out)"
	key_line 65535 >>server.key
	refuses 1 'no number left' keygen --append server.key
	refuses 2 'key-no is missing; with --append' keygen --client 192.0.2.1:22
}

# What to write instead.
case_client_words()
{
	refuses 2 "client: 'srv!' is neither a name nor an address: write " \
	    keygen -n 1 --client 'srv!:22'
	exits 0 "$TAP" keygen -n 1 --client srv.example:2222/22
	has "$(cat out)" '^RULE:dst_host=srv.example, dst_port=2222, service_port=22, '
	"$TAP" client --check -c out
	exits 0 "$TAP" keygen -n 1 --client 192.0.2.1:22,8000-8010
	has "$(cat out)" '^RULE:dst_host=192.0.2.1, dst_port="22,8000-8010", '
	"$TAP" client --check -c out
}

case_unique()
{
	exits 0 "$TAP" keygen -n 1 --count 1000
	same 1000 "$(grep -o 'key=0x[0-9A-F]*' out | sort -u | wc -l)"
	# Nor do two have a half in common.
	same 2000 "$(grep -o 'key=0x[0-9A-F]*' out |
		sed -E 's/key=0x(.{32})(.{32})/\1\n\2/' | sort -u | wc -l)"
}

case_append()
{
	printf '# keys\n\n%s  # one\n' "$(key_line 1)" >server.key
	cp server.key before
	exits 0 "$TAP" keygen -n 2 --name bob -a server.key
	same 2 "$(cat out)"
	same "server.key: a running server takes it after 'tap server --reload', or with --reload at once" \
	    "$(cat err)"
	head -n 3 server.key | cmp - before
	has "$(tail -n 1 server.key)" "^key_no=2, key=$hex{64}, .*name=bob"
	cp server.key before
	refuses 1 '^server.key: key_no 2 stands in line 4 already$' \
	    keygen -n 2 --append server.key
	cmp server.key before
	# With --client, the rule; a new file.
	exits 0 "$TAP" keygen -n 3 --append new.key --client 192.0.2.1:22
	same 600 "$(stat -c %a new.key)"
	has "$(cat out)" '^RULE:'
	same "$(grep -o 'key=0x[0-9A-F]*' out)" \
	    "$(grep -o 'key=0x[0-9A-F]*' new.key)"
	same '' "$(find . -name '.*.new*')"
}

case_append_refused()
{
	key_line 1 >server.key
	chmod 640 server.key
	refuses 2 '^server.key: holds secrets, but others' \
	    keygen -n 2 --append server.key
	chmod 602 server.key
	refuses 2 'holds secrets' keygen -n 2 --append server.key
	chmod 600 server.key
	ln -s server.key link
	refuses 2 '^link: is a symbolic link' keygen -n 2 --append link
	ln -s nowhere dangling
	refuses 2 '^dangling: is a symbolic link' keygen -n 2 -a dangling
	[ ! -e nowhere ]
	mkfifo fifo
	refuses 2 '^fifo: is not a regular file' keygen -n 2 --append fifo
	mkdir folder
	refuses 2 'folder' keygen -n 2 --append folder
	refuses 2 'is a directory' keygen -n 2 --append ./
	refuses 3 'no/such: No such file' keygen -n 2 --append no/such
	echo 'key_no=1' >broken
	refuses 2 '^broken:1: key is missing' keygen -n 2 --append broken
	key_line 1 >>server.key
	refuses 2 '^server.key:2: key_no 1 stands in line 1' \
	    keygen -n 2 --append server.key
	printf 'key_no=1, key=0x%032d\n\0' 1 >broken
	refuses 2 '^broken:2: NUL' keygen -n 2 --append broken
}

case_owner()
{
	need_root
	key_line 1 >server.key
	chmod 400 server.key
	chown 0:4321 server.key
	exits 0 "$TAP" keygen -n 2 --append server.key
	same '400 0 4321' "$(stat -c '%a %u %g' server.key)"
	# Another's key file is none to trust.
	chown 4321:4321 server.key
	refuses 2 'belongs to user 4321' keygen -n 3 --append server.key
	same '400 4321 4321' "$(stat -c '%a %u %g' server.key)"
}

case_both()
{
	exits 0 "$TAP" keygen -n 10 --client 192.0.2.1:22 --both out.d \
	    --name alice
	same 10 "$(cat out)"
	same '700 600 600' "$(stat -c %a out.d out.d/* | xargs)"
	"$TAP" server --check -p 22 -k out.d/server.key
	"$TAP" client --check -c out.d/TAPclientd.conf
	same "$(grep -o 'key=0x[0-9A-F]*' out.d/server.key)" \
	    "$(grep -o 'key=0x[0-9A-F]*' out.d/TAPclientd.conf)"
	# A client's file is never overwritten, nor left without its key.
	cp -r out.d before
	refuses 1 'out.d/TAPclientd.conf: exists, not overwritten' \
	    keygen -n 11 --client 192.0.2.1:22 --both out.d
	refuses 1 'key_no 10 stands in line 1 already' \
	    keygen -n 10 --client 192.0.2.1:22 --both out.d
	diff -r before out.d
	exits 0 "$TAP" keygen -n 9 --count 3 --client 192.0.2.1:22 \
	    --both out.d --json
	same 3 "$(wc -l <out)"
	lacks "$(cat out)" '0x'
	has "$(cat out)" '"client_file":"out.d/TAPclientd-12.conf"'
	for number in 9 11 12; do
		"$TAP" client --check -c out.d/TAPclientd-$number.conf
	done
	# The server's line elsewhere.
	exits 0 "$TAP" keygen -n 1 --client 192.0.2.1:22 --both other \
	    --append server.key
	same TAPclientd.conf "$(ls other)"
	"$TAP" server --check -p 22 -k server.key
	# The key file refuses: no client's file stays.
	chmod 644 server.key
	refuses 2 'server.key: holds secrets' keygen -n 2 --both third \
	    --client 192.0.2.1:22 --append server.key
	[ ! -e third ]
}

# Seconds from $1 to $2, two times as key files have them.
span()
{
	echo $(($(date -d "$2" +%s) - $(date -d "$1" +%s)))
}

case_rotate()
{
	local start end line

	printf '%s # ten\n%s\n' "$(key_line 10 \
	    'name="a, b", alg=hmac-sha256, auth=89, realm=r')" \
	    "$(key_line 11)" >server.key
	exits 0 "$TAP" keygen --rotate 10 --overlap 7d --append server.key
	same 12 "$(cat out)"
	line=$(tail -n 1 server.key)
	has "$line" "^key_no=12, key=$hex{32}, alg=hmac-sha256, auth=89,$(
		) realm=r, name=\"a, b\", not_before=[^,]*\$"
	has "$(head -n 1 server.key)" '^key_no=10, .*, not_after=[^,]* # ten$'
	start=${line##*not_before=}
	end=$(sed -n '1s/.*not_after=\([^ ]*\).*/\1/p' server.key)
	same $((7 * 86400)) "$(span "$start" "$end")"
	[ "$(span "$start" now)" -le "$patience" ]
	# The successor is valid now, and the old one, too.
	"$TAP" acl allow -a ACL.conf -k server.key --port 22 --key 10,12
	echo 'RULE:dst_port=22' >server.conf
	set -- -c server.conf -k server.key -a ACL.conf --port 22
	"$TAP" acl test "$@" --key 10
	"$TAP" acl test "$@" --key 12
	exits 1 "$TAP" acl test "$@" --key 10 --at "$end"
	"$TAP" acl test "$@" --key 12 --at "$end"
	# With words of its own.
	exits 0 "$TAP" keygen --rotate 11 -n 500 --name new --alg hmac-sha256 \
	    --not-before 2090-01-01 --overlap 1d --valid 365d -a server.key \
	    --client 192.0.2.1:22
	has "$(cat out)" '^RULE:.*key_no=500, .*not_before=2090-01-01T'
	has "$(tail -n 1 server.key)" 'auth=60, name=new,'
	has "$(sed -n 2p server.key)" 'not_after=2090-01-02T00:00:00Z$'
	exits 0 "$TAP" keygen --rotate 12 -a server.key --json
	has "$(cat out)" '"rotates":12,"old_not_after":"'
}

# The successor lives as long as the old key did, or is said not to end.
case_rotate_lifetime()
{
	local line start end

	key_line 5 'not_before=2020-01-01, not_after=2099-01-01' >server.key
	exits 0 "$TAP" keygen --rotate 5 --append server.key
	line=$(tail -n 1 server.key)
	start=${line##*not_before=}
	start=${start%%,*}
	end=${line##*not_after=}
	same "$(span 2020-01-01 2099-01-01)" "$(span "$start" "$end")"
	lacks "$(cat err)" warning
	# As long as that again.
	exits 0 "$TAP" keygen --rotate 6 --append server.key
	line=$(tail -n 1 server.key)
	start=${line##*not_before=}
	start=${start%%,*}
	same "$(span 2020-01-01 2099-01-01)" \
	    "$(span "$start" "${line##*not_after=}")"
	# Since when, nobody knows.
	key_line 8 not_after=2099-01-01 >server.key
	exits 0 "$TAP" keygen --rotate 8 --append server.key
	has "$(cat err)" '^server.key:1: warning: key 8 was to end at 2099-01-01T00:00:00Z.*has no end; --valid'
	lacks "$(tail -n 1 server.key)" not_after
	# What is said counts.
	exits 0 "$TAP" keygen --rotate 8 --valid 30d --append server.key
	lacks "$(cat err)" warning
	has "$(tail -n 1 server.key)" not_after
}

# Never a moment without a key; and never a longer life for the old one.
case_rotate_refused()
{
	{
		key_line 1 not_after=2020-01-01
		key_line 2 not_before=2090-01-01
		key_line 3 not_after=2050-01-01
		key_line 65535
	} >server.key
	cp server.key before
	refuses 1 'server.key:1: key 1 ends at 2020-01-01T00:00:00Z, before' \
	    keygen --rotate 1 --append server.key
	refuses 1 'server.key:2: key 2 begins only at' \
	    keygen --rotate 2 --append server.key
	refuses 1 'server.key:3: key 3 ends at 2050' \
	    keygen --rotate 3 --not-before 2060-01-01 --append server.key
	refuses 1 'no key 9' keygen --rotate 9 --append server.key
	refuses 1 'no number left' keygen --rotate 65535 --append server.key
	refuses 1 'key_no 2 stands in line 2' \
	    keygen --rotate 3 --key-no 2 --append server.key
	cmp server.key before
	exits 0 "$TAP" keygen --rotate 3 --not-before 2049-12-31 \
	    --overlap 7d --append server.key
	has "$(sed -n 3p server.key)" 'not_after=2050-01-01T00:00:00Z$'
}

case_bad_options()
{
	local value

	refuses 2 'key-no is missing' keygen
	for value in -1 65536 x '' 1.5 0x10 ' 1'; do
		refuses 2 'key-no: ' keygen --key-no "$value"
	done
	for value in 0 29 31 61 119 x; do
		refuses 2 'auth: ' keygen -n 1 --auth "$value"
	done
	for value in 0 15 65 x; do
		refuses 2 'bytes: ' keygen -n 1 --bytes "$value"
	done
	for value in md5 hmac-sha1 HMAC-MD5; do
		refuses 2 'alg: ' keygen -n 1 --alg "$value"
	done
	for value in 'a"b' 'a\b' $'a\nb' "$(printf '%064d' 0)"; do
		refuses 2 'name: ' keygen -n 1 --name "$value"
	done
	for value in 0x1 0xzz "$(printf '%033d' 0)" "0x$(printf '%066d' 0)"; do
		refuses 2 'realm: ' keygen -n 1 --realm "$value"
	done
	for value in tomorrow 2027-13-01 '' -1 2027-01-01T25:00:00Z; do
		refuses 2 'not-before: ' keygen -n 1 --not-before "$value"
		refuses 2 'not-after: ' keygen -n 1 --not-after "$value"
	done
	for value in 0d 90 90y d -1d '' 1d2h 9999999999999999999999d; do
		refuses 2 'valid: ' keygen -n 1 --valid "$value"
	done
	for value in 0 -1 65537 x; do
		refuses 2 'count: ' keygen -n 1 --count "$value"
	done
	for value in 192.0.2.1 :22 192.0.2.1: 192.0.2.1:0 192.0.2.1:70000 \
	    2001:db8::1:22 '[2001:db8::1]' ANY:ANY \
	    '192.0.2.1:22,' 192.0.2.1:22,x/y '192.0.2.1:22#' 300.0.0.1:22 '[::1:22' \
	    $'192.0.2.1:2\n2'; do
		refuses 2 'client: ' keygen -n 1 --client "$value"
	done
	refuses 2 'rotate: ' keygen --rotate x --append f
	refuses 2 'overlap: ' keygen --rotate 1 --overlap x --append f
	refuses 2 'passphrase-fd: ' keygen -n 1 --passphrase-fd 77
	refuses 2 'unexpected argument' keygen -n 1 word
	refuses 2 "no option '--no-such'" keygen -n 1 --no-such
	refuses 2 'requires an argument' keygen -n
}

case_contradictions()
{
	refuses 2 'either --valid or --not-after' \
	    keygen -n 1 --valid 1d --not-after 2090-01-01
	refuses 2 'not later than not_before' keygen -n 1 \
	    --not-before 2090-01-01 --not-after 2090-01-01
	refuses 2 'rotate wants --append' keygen --rotate 1
	refuses 2 'either --rotate or --count' \
	    keygen --rotate 1 --count 2 --append f
	refuses 2 'overlap wants --rotate' keygen -n 1 --overlap 1d
	refuses 2 'both wants --client' keygen -n 1 --both d
	refuses 2 'passphrase is for' keygen -n 1 --passphrase
	refuses 2 'json with --passphrase' keygen -n 1 --json \
	    --client 192.0.2.1:22 --passphrase-fd 0
	refuses 2 'hmac-md5 has no 60 bits' keygen -n 1 --alg hmac-md5 \
	    --auth 60
	refuses 2 'realm: hmac-md5 has none' keygen -n 1 --alg hmac-md5 \
	    --realm r
	[ ! -e d ] && [ ! -e f ]
}

case_help()
{
	exits 0 "$TAP" keygen -h
	has "$(cat out)" '^usage: tap keygen'
	exits 0 "$TAP" help keygen
	has "$(cat out)" '^usage: tap keygen'
}

run_cases
