#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap acl: check, show, test, allow and deny. What edits come out as is
# tests/unit/test_acl_edit.c.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

files=(-c server.conf -k server.key -a ACL.conf)

# Three files in which all is well.
make_files()
{
	cat >server.conf <<-END
	tolerance=30
	RULE:dst_port=80
	RULE:dst_port=8080, src_host=10.0.0.0/8
	END
	{
		key_line 10 'alg=hmac-sha256, name=alice'
		key_line 11 'alg=hmac-sha256, auth=118, name="b, c"'
		key_line 20 'alg=hmac-sha256, not_before=2090-01-01'
	} >server.key
	cat >ACL.conf <<-END
	# who
	port=80, key_no="10,11"
	port=8080, key_no="10,20"
	END
}

# check STATUS STDOUT STDERR [OPTIONS]: patterns, '' for none
check()
{
	exits "$1" "$TAP" acl check "${files[@]}" "${@:4}"
	[ -z "$2" ] || has "$(cat out)" "$2"
	if [ -n "$3" ]; then
		has "$(cat err)" "$3"
	else
		same '' "$(cat err)" 'standard error'
	fi
}

case_check_clean()
{
	make_files
	check 0 '^2 rules, 3 keys, 2 entries: 0 errors, 0 warnings$' ''
	same 1 "$(wc -l <out)"
	check 0 'warnings' '' --strict
}

case_check_errors()
{
	make_files
	echo 'port=70000, key_no=10' >>ACL.conf
	check 2 '1 error' '^ACL.conf:4: .*port 70000 out of range$'
	make_files
	echo 'port=8000-9000, key_no=10' >>ACL.conf
	check 2 '' '^ACL.conf:4: port 8080 stands in line 3 already$'
	make_files
	echo 'port=81, key_no="10-12,20-23,30"' >>ACL.conf
	check 2 '' '^ACL.conf:4: key_no 12,21-23,30: not in server.key$'
	# All three files in one run.
	make_files
	echo 'RULE:dst_prot=1' >>server.conf
	echo 'port=80' >>ACL.conf
	key_line 10 >>server.key
	check 2 '3 errors' '^server.conf:4: '
	has "$(cat err)" '^server.key:4: key_no 10 stands in line 1 already'
	has "$(cat err)" '^ACL.conf:4: key_no is missing'
	make_files
	chmod 644 server.key
	check 2 '' '^server.key: holds secrets'
	rm ACL.conf server.key
	check 2 '2 errors' '^ACL.conf: No such file'
}

# Who else could have written it: no command believes it.
untrusted()
{
	local file pattern=$1

	for file in server.conf ACL.conf; do
		"$2" "$file"
		refuses 2 "^$file: $pattern" server --check "${files[@]}"
		refuses 2 "^$file: $pattern" acl test "${files[@]}" \
		    --port 80 --key 10
		refuses 2 "^$file: $pattern" acl show "${files[@]}"
		check 2 '1 error' "^$file: $pattern"
		"$3" "$file"
	done
	"$2" ACL.conf
	refuses 2 "^ACL.conf: $pattern" acl allow "${files[@]}" \
	    --port 80 --key 20
	refuses 2 "^ACL.conf: $pattern" acl deny "${files[@]}" \
	    --port 80 --key 10 --dry-run
	"$3" ACL.conf
	"$2" client.conf
	refuses 2 "^client.conf: " client --check -c client.conf
	"$3" client.conf
	"$2" server.key
	refuses 2 "^server.key: " keygen -n 30 --append server.key
	"$3" server.key
}

case_untrusted()
{
	make_files
	echo "RULE:dst_port=80, $(key_line 10)" >client.conf
	cp -r . ../before
	others() { chmod o+w "$1"; }
	owner() { chmod o-w "$1"; }
	untrusted 'others than its owner may write it \(mode 0602\)' \
	    others owner
	group() { chgrp 4321 "$1" && chmod g+w "$1"; }
	own() { chgrp 0 "$1" && chmod g-w "$1"; }
	given() { chown 4321 "$1"; }
	taken() { chown 0 "$1"; }
	if [ "$(id -u)" -eq 0 ]; then
		untrusted 'others than its owner' group own
		untrusted 'belongs to user 4321' given taken
	fi
	# Who may write to the directory may write all that is in it.
	chmod o+w .
	for file in server.conf ACL.conf server.key client.conf; do
		case $file in
		client.conf) set -- client --check -c $file ;;
		server.key) set -- keygen -n 30 --append $file ;;
		ACL.conf) set -- acl allow -a $file --port 80 --key 20 ;;
		*) set -- server --check "${files[@]}" ;;
		esac
		refuses 2 "^$file: others may write to directory $PWD " "$@"
	done
	refuses 2 '^new.key: others may write to' keygen -n 1 -a new.key
	chmod 1777 .
	"$TAP" server --check "${files[@]}"
	chmod 700 .
	rm out err
	diff -r ../before .
}

case_check_warnings()
{
	make_files
	echo 'RULE:dst_port="22,9000-9005"' >>server.conf
	echo 'port=9003-9010, key_no=10' >>ACL.conf
	check 0 '^server.conf:4: warning: port 22,9000-9002: no key may use' ''
	has "$(cat out)" '^ACL.conf:4: warning: port 9006-9010: no rule of'
	check 1 ' 0 errors, 2 warnings' '' --strict
	make_files
	{
		key_line 30 'not_after=2020-01-01'
		key_line 31 'alg=hmac-sha256, auth=30, name=x'
		key_line 32 "alg=hmac-sha256, not_after=$(
			date -ud '+10 days' +%Y-%m-%dT%TZ)"
	} >>server.key
	echo 'port=80, key_no="10,11,30-32"' >ACL.conf
	check 1 '^server.key:4: warning: key 30: ended at 2020-01-01T' '' \
	    --strict
	has "$(cat out)" '^server.key:4: warning: key 30: hmac-md5, .*30 bits'
	has "$(cat out)" '^server.key:5: warning: key 31 \(x\): 30 bits'
	has "$(cat out)" '^server.key:6: warning: key 32: ends at '
	has "$(cat out)" '^server.conf:3: warning: port 8080: no key may use'
	check 0 '' '' --within 9d
	lacks "$(cat out)" 'key 32'
	check 0 'key 32: ends' '' --within 11d
	# A key that has ended is none; ANY and NONE.
	echo 'port=80, key_no=30' >ACL.conf
	check 0 '^server.conf:2: warning: port 80: no key may use it' ''
	echo 'port=ANY, key_no=ANY' >ACL.conf
	check 0 '' ''
	lacks "$(cat out)" '(ACL|server).conf:'
	echo 'port=ANY, key_no=NONE' >ACL.conf
	check 0 '^server.conf:2: warning: port 80: no key may use it' ''
	echo 'RULE:src_host=10.0.0.1' >server.conf
	check 0 '^server.conf:1: warning: no key may use any port' ''
}

case_check_json()
{
	make_files
	key_line 30 'name="a b"' >>server.key
	echo 'port=81, key_no="10,99"' >>ACL.conf
	exits 2 "$TAP" acl check "${files[@]}" --json
	same '' "$(cat err)"
	"$python" -c '
import json
r = json.load(open("out"))
assert (r["rules"], r["keys"], r["entries"]) == (2, 4, 3), r
assert (r["errors"], r["warnings"]) == (1, 2), r
assert {(f["level"], f["kind"], f["file"], f["line"])
	for f in r["findings"]} == {
	("error", "unknown-key", "ACL.conf", 4),
	("warning", "unprotected-port", "ACL.conf", 4),
	("warning", "hmac-md5", "server.key", 4)}, r'
	echo x >ACL.conf
	exits 2 "$TAP" acl check "${files[@]}" --json
	"$python" -c '
import json
f, = json.load(open("out"))["findings"]
assert f["kind"] == "malformed" and f["line"] == 1, f
assert f["message"].startswith("\x27x"), f'
}

# What a command shows on a terminal. script(1) takes a command line.
on_terminal()
{
	"$python" -c '
import os, pty, sys
def read(fd):
	data = os.read(fd, 4096)
	return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))' "$@" |
		tr -d '\r'
}

case_colour()
{
	local esc=$'\033'

	make_files
	key_line 30 >>server.key
	has "$(TERM=xterm on_terminal "$TAP" acl check "${files[@]}")" \
	    "$esc\\[33mserver.key:4.*$esc\\[0m"
	lacks "$(TERM=xterm NO_COLOR=1 on_terminal "$TAP" acl check \
	    "${files[@]}")" "$esc"
	lacks "$(TERM=dumb on_terminal "$TAP" acl check "${files[@]}")" "$esc"
	exits 0 env TERM=xterm "$TAP" acl check "${files[@]}"
	lacks "$(cat out)" "$esc"
	echo x >>ACL.conf
	has "$(TERM=xterm on_terminal "$TAP" acl check "${files[@]}" || true)" \
	    "$esc\\[31mACL.conf:4"
}

case_show()
{
	make_files
	echo 'port=9000-9001, key_no="11-13"' >>ACL.conf
	exits 0 "$TAP" acl show "${files[@]}"
	diff - out <<-END
	80	http	10	alice	hmac-sha256/60	-	-	valid
	80	http	11	b, c	hmac-sha256/118	-	-	valid
	8080	$(awk '$2 == "8080/tcp" { print $1 }' /etc/services)	10	$(
		)alice	hmac-sha256/60	-	-	valid
	8080	$(awk '$2 == "8080/tcp" { print $1 }' /etc/services)	20	-	$(
		)hmac-sha256/60	2090-01-01T00:00:00Z	-	future
	9000-9001	-	11	b, c	hmac-sha256/118	-	-	valid
	9000-9001	-	12-13	-	-	-	-	unknown
	END
	exits 0 "$TAP" acl show "${files[@]}" --key 10
	same '80 8080' "$(cut -f 1 out | xargs)"
	exits 0 "$TAP" acl show "${files[@]}" --port 9001 --key 11,20
	same '9001 11' "$(cut -f 1,3 out | xargs)"
	exits 0 "$TAP" acl show "${files[@]}" --port www
	same '10 11' "$(cut -f 3 out | xargs)"
	exits 0 "$TAP" acl show "${files[@]}" --port 81
	same '' "$(cat out)"
	on_terminal "$TAP" acl show "${files[@]}" >table
	has "$(head -n 1 table)" \
	    '^PORT +SERVICE +KEY +NAME +SUITE +NOT BEFORE +NOT AFTER +STATE$'
	# Aligned: each state stands under its heading.
	same 1 "$(sed 's/[a-z]*$//; s/STATE$//' table |
		awk '{ print length }' | sort -u | wc -l)"
	# Keys that ANY would let in, if they were there, are no rows.
	echo 'port=ANY, key_no=ANY' >ACL.conf
	exits 0 "$TAP" acl show "${files[@]}"
	same 'ANY ANY ANY' "$(cut -f 1 out | xargs)"
}

case_show_json()
{
	make_files
	exits 0 "$TAP" acl show "${files[@]}" --json
	"$python" -c '
import json
rows = json.load(open("out"))
assert [(r["port"], r["key_no"]) for r in rows] == [
	(80, 10), (80, 11), (8080, 10), (8080, 20)], rows
assert rows[1] == {"port": 80, "port_last": 80, "service": "http",
	"key_no": 11, "key_last": 11, "name": "b, c", "alg": "hmac-sha256",
	"auth": 118, "not_before": None, "not_after": None,
	"state": "valid", "file": "ACL.conf", "line": 2}, rows[1]
assert rows[3]["not_before"] == "2090-01-01T00:00:00Z", rows'
	exits 0 "$TAP" acl show "${files[@]}" --json --key 9
	same '[]' "$(cat out)"
	rm ACL.conf
	refuses 2 '^ACL.conf: No such' acl show "${files[@]}"
}

# answer STATUS PATTERN OPTIONS
answer()
{
	exits "$1" "$TAP" acl test "${files[@]}" "${@:3}"
	has "$(cat out)" "$2"
	same 1 "$(wc -l <out)"
	exits "$1" "$TAP" acl test "${files[@]}" "${@:3}" --json
	"$python" -c '
import json, sys
r = json.load(open("out"))
assert r["allowed"] == (sys.argv[1] == "0"), r
assert set(r) == {"allowed", "reason", "file", "line", "message"}, r' "$1"
}

case_test()
{
	make_files
	key_line 30 not_after=2020-01-01 >>server.key
	echo 'RULE:dst_port=443' >>server.conf
	answer 0 '^yes: ACL.conf:2: .*alice.*server.conf:2, server.key:1' \
	    --port 80 --key 10
	answer 0 '^yes: ACL.conf:2' --port www --key 10
	answer 1 '^no: ACL.conf:3: port 8080: not for key 11' \
	    --port 8080 --key 11
	answer 1 '^no: ACL.conf: port 443: no line' --port 443 --key 11
	answer 1 '^no: server.key: no key 99' --port 80 --key 99
	answer 1 '^no: server.key:3: key 20: begins at 2090' \
	    --port 8080 --key 20
	answer 1 'begins at 2090' --port 8080 --key 20 \
	    --at 2089-12-31T23:59:59Z
	answer 0 '^yes' --port 8080 --key 20 --at 2090-01-01
	answer 1 '^no: server.key:4: key 30: ended at 2020' --port 80 --key 30
	answer 1 '^no: ACL.conf:2' --port 80 --key 30 --at 2019-12-31
	answer 0 '^yes: server.conf: port 22: no rule' --port 22 --key 11
	answer 0 'no rule protects it from there' --port 8080 --key 11 \
	    --src 192.0.2.1
	answer 1 '^no: ACL.conf:3' --port 8080 --key 11 --src 10.1.2.3
	answer 0 'no rule' --port 8080 --key 11 --src 2001:db8::1
}

case_change()
{
	local before

	make_files
	cp ACL.conf before
	exits 0 "$TAP" acl allow "${files[@]}" --port 80 --key 10,20-23 \
	    --dry-run
	has "$(cat err)" 'warning: server.key: no key 21-23$'
	diff - out <<-END
	--- ACL.conf
	+++ ACL.conf
	@@ -1,3 +1,3 @@
	 # who
	-port=80, key_no="10,11"
	+port=80, key_no="10-11,20-23"
	 port=8080, key_no="10,20"
	END
	cmp before ACL.conf
	mv out change.diff
	exits 0 "$TAP" acl allow "${files[@]}" --port 80 --key 10,20-23
	same '' "$(cat out)"
	patch -s before change.diff
	cmp before ACL.conf
	# Once more: nothing to do, and the file is not touched.
	touch -d 2020-01-01 ACL.conf
	before=$(stat -c '%Y %i' ACL.conf)
	exits 0 "$TAP" acl allow "${files[@]}" --port 80 --key 10,20-23
	exits 0 "$TAP" acl deny "${files[@]}" --port 443 --key 10
	exits 0 "$TAP" acl deny "${files[@]}" --port 8080 --key 9 --dry-run
	same '' "$(cat out)"
	same "$before" "$(stat -c '%Y %i' ACL.conf)"
	exits 0 "$TAP" acl deny "${files[@]}" --port ANY --key 10 --json
	same '{"file":"ACL.conf","changed":true,"reloaded":null}' "$(cat out)"
	same '# who port=80, key_no=11,20-23 port=8080, key_no=20' \
	    "$(xargs <ACL.conf)"
	exits 0 "$TAP" acl deny "${files[@]}" --port ANY --key ANY
	same 2 "$(grep -c 'key_no="NONE"' ACL.conf)"
	"$TAP" server --check "${files[@]}"
	# A new file; mode and owner of an old one.
	exits 0 "$TAP" acl allow -a new.conf --port 22 --key 1
	same '600 port=22, key_no="1"' "$(stat -c %a new.conf) $(cat new.conf)"
	chmod 644 new.conf
	exits 0 "$TAP" acl allow -a new.conf -k no.key --port 22 --key 5
	has "$(cat err)" 'warning: no.key'
	same 644 "$(stat -c %a new.conf)"
}

# A laptop lost: of a long list, only the lines that change are shown.
case_long_diff()
{
	local i

	for ((i = 1; i <= 500; i++)); do
		printf 'port=%d, key_no="%d,7"\n\n' $i $((1000 + i))
	done >ACL.conf
	sed -i '21,980s/,7"/"/; 33i # a comment' ACL.conf
	cp ACL.conf before
	exits 0 "$TAP" acl deny -a ACL.conf --port ANY --key 7 --dry-run
	same 20 "$(grep -c '^-port' out)"
	[ "$(wc -l <out)" -lt 80 ]
	cp out change.diff
	exits 0 "$TAP" acl deny -a ACL.conf --port ANY --key 7
	patch -s before change.diff
	cmp before ACL.conf
	exits 0 "$TAP" acl allow -a ACL.conf -k none --port 3-490 --key 9-12 \
	    --dry-run
	cp out change.diff
	exits 0 "$TAP" acl allow -a ACL.conf -k none --port 3-490 --key 9-12
	patch -s before change.diff
	cmp before ACL.conf
}

case_change_refused()
{
	make_files
	ln -s ACL.conf link
	refuses 2 '^link: is a symbolic link' \
	    acl allow -a link --port 80 --key 1
	refuses 3 '^none: No such file' acl deny -a none --port 80 --key 1
	[ ! -e none ]
	echo 'port=80' >broken
	refuses 2 '^broken:1: key_no is missing' \
	    acl allow -a broken --port 81 --key 1
	same 'port=80' "$(cat broken)"
}

# Drop-ins: whatever is told or changed, it is in the file that has the line.
case_includes()
{
	mkdir conf.d keys.d acl.d
	make_files
	echo 'include=conf.d/*.conf' >>server.conf
	echo 'include=keys.d/*' >>server.key
	echo 'include=acl.d/*.acl # of packages' >>ACL.conf
	echo 'RULE:dst_port=5432' >conf.d/db.conf
	key_line 50 'alg=hmac-sha256, name=reports' >keys.d/reports
	printf '# db\nport=5432, key_no=50\n' >acl.d/db.acl
	check 0 '^3 rules, 4 keys, 3 entries: 0 errors, 0 warnings$' ''
	exits 0 "$TAP" acl test "${files[@]}" --port 5432 --key reports
	same "yes: acl.d/db.acl:2: port 5432: key 50 (reports) gets in$(
		) (conf.d/db.conf:1, keys.d/reports:1)" "$(cat out)"
	exits 0 "$TAP" acl show "${files[@]}" --key 50 --json
	has "$(cat out)" '"file":"acl.d/db.acl","line":2'
	# Each port's line where it is; new ones in the list itself.
	exits 0 "$TAP" acl allow "${files[@]}" --port 80,5432,9000 --key 20 \
	    --dry-run
	has "$(cat out)" '^--- acl.d/db.acl'
	has "$(cat out)" '^--- ACL.conf'
	exits 0 "$TAP" acl allow "${files[@]}" --port 80,5432,9000 --key 20
	same '# db
port=5432, key_no="20,50"' "$(cat acl.d/db.acl)"
	same '# who
port=80, key_no="10-11,20"
port=8080, key_no="10,20"
include=acl.d/*.acl # of packages
port=9000, key_no="20"' "$(cat ACL.conf)"
	exits 0 "$TAP" acl deny "${files[@]}" --port ANY --key 20
	lacks "$(cat ACL.conf acl.d/db.acl)" '20'
	# Numbers are taken by whichever file has them.
	refuses 1 '^server.key: key_no 50 stands in keys.d/reports:1 already$' \
	    keygen -n 50 --append server.key
	refuses 1 'key 50 stands in keys.d/reports:1: --append that file' \
	    keygen --rotate 50 --append server.key
	exits 0 "$TAP" keygen --append server.key
	same 51 "$(cat out)"
	# What is wrong is wrong in that file.
	echo 'port=80, key_no=10' >acl.d/web.acl
	check 2 '1 error' '^acl.d/web.acl:1: port 80 stands in ACL.conf:2 already$'
	rm acl.d/web.acl
	chmod o+w conf.d
	check 2 '1 error' "^conf.d/db.conf: others may write to directory conf.d"
	chmod o-w conf.d
	key_line 10 >keys.d/again
	check 2 '1 error' '^keys.d/again:1: key_no 10 stands in server.key:1 already$'
}

# Keys by name, of which several may have one, and ports as a list.
case_names_and_lists()
{
	make_files
	key_line 21 'name=alice' >>server.key
	exits 0 "$TAP" acl test "${files[@]}" --port 80 --key 'b, c'
	has "$(cat out)" '^yes: .*: port 80: key 11 \(b, c\) gets in'
	refuses 2 "several keys are called 'alice'" \
	    acl test "${files[@]}" --port 80 --key alice
	refuses 1 "^server.key: no key is called 'mallory'" \
	    acl allow "${files[@]}" --port 80 --key 10,mallory
	exits 0 "$TAP" acl allow "${files[@]}" --port 80,443,8080-8081 \
	    --key alice,30-31
	same '# who
port=80, key_no="10-11,21,30-31"
port=8080, key_no="10,20-21,30-31"
port=443, key_no="10,21,30-31"
port=8081, key_no="10,21,30-31"' "$(cat ACL.conf)"
	exits 0 "$TAP" acl show "${files[@]}" --port 443,8081 --key alice
	same '443 8081' "$(cut -f 1 out | sort -nu | xargs)"
	same '10 21' "$(cut -f 3 out | sort -nu | xargs)"
	exits 0 "$TAP" acl deny "${files[@]}" --port ANY --key alice
	lacks "$(cat ACL.conf)" '10|21'
	exits 0 "$TAP" acl allow "${files[@]}" --port 80,22 --key 10 --dry-run
	same 2 "$(grep -c '^[+]port' out)"
}

case_bad_options()
{
	local value verb

	make_files
	refuses 2 'check, show, test, allow, deny, push or status' acl
	refuses 2 "no verb 'list'" acl list
	for verb in test allow deny; do
		refuses 2 'port is missing' acl $verb --key 1
		refuses 2 'key is missing' acl $verb --port 1
	done
	for value in 0 65536 x-y 9-8 no-such-service '' 80,,81; do
		refuses 2 'port: ' acl show --port "$value"
	done
	for value in 65536 x '' 9-8 1,,2 '1,' -1; do
		refuses 2 'key: ' acl show --key "$value"
	done
	for value in x 192.0.2.0/24 ANY ''; do
		refuses 2 'src: ' acl test --port 1 --key 1 --src "$value"
	done
	refuses 2 'at: ' acl test --port 1 --key 1 --at never
	refuses 2 'within: ' acl check --within 14
	refuses 2 'queue: ' acl allow --port 1 --key 1 --queue 65535
	refuses 2 'one port and one key' acl test --port 1-2 --key 1
	refuses 2 'one port and one key' acl test --port 1 --key 1,2
	refuses 2 'strict: not for this verb' acl show --strict
	refuses 2 'dry-run: not for this verb' acl check --dry-run
	refuses 2 'at: not for this verb' acl allow --at 2027-01-01
	refuses 2 'port: not for this verb' acl check --port 1
	refuses 2 'unexpected argument' acl check word
	refuses 2 "no option '--no-such'" acl check --no-such
}

case_help()
{
	for words in 'acl -h' 'help acl' 'acl check -h' 'acl allow --help'; do
		# shellcheck disable=SC2086 # words
		exits 0 "$TAP" $words
		has "$(cat out)" '^usage: tap acl check'
	done
}

# A thousand users on ten ports.
case_thousand_users()
{
	exits 0 "$TAP" keygen -n 1000 --count 1000 --append server.key
	same 1000 "$(wc -l <out)"
	echo 'RULE:dst_port="8000-8009"' >server.conf
	for port in 8000 8001 8002 8003 8004 8005 8006 8007 8008 8009; do
		"$TAP" acl allow "${files[@]}" --port $port \
		    --key "$(paste -s -d , out)"
	done
	cp out numbers
	same 10 "$(grep -c 'key_no="1000-1999"' ACL.conf)"
	exits 0 "$TAP" acl check "${files[@]}" --strict
	exits 0 "$TAP" acl show "${files[@]}"
	same 10000 "$(wc -l <out)"
	exits 0 "$TAP" acl deny "${files[@]}" --port ANY --key 1500
	exits 0 "$TAP" acl show "${files[@]}" --key 1500
	same '' "$(cat out)"
}

run_cases
