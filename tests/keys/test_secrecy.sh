#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Where key bytes and passphrases must not be: standard error, command lines,
# logs, core dumps, swap, and files that others can read.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

passphrase='correct horse battery staple'

# secrets FILE: the digits of each key in it
secrets()
{
	grep -oE '0x[0-9A-Fa-f]{32,}' "$1" | cut -c 3-
}

# clean FILE...: no part of a secret in ./known is in them
clean()
{
	local digits at

	while read -r digits; do
		for ((at = 0; at + 16 <= ${#digits}; at += 8)); do
			! grep -iqe "${digits:at:16}" "$@" ||
				fail "a secret is in one of $*"
		done
	done <known
	! grep -qe "$passphrase" "$@" || fail "the passphrase is in one of $*"
}

# Whatever is said of files that hold keys.
case_errors()
{
	local i=0

	"$TAP" keygen -n 1 --count 3 >server.key
	secrets server.key >known
	for change in 's/key=0x/key=/' 's/key=/kay=/' 's/0x/0xg/' 's/$/,/' \
	    's/, alg.*/"/' 's/key_no=.*key=//' 's/key_no=./key_no=x/' \
	    's/, alg=/ alg=/' 's/key=/name=/' 's/, alg=.*/\\/' 's/0x/"0x/' \
	    's/key=0x/not_after=/' 's/key=0x/realm=/' 's/^/RULE:/' \
	    's/key=0x/key_no=/' 's/key=0x/auth=/' 's/key=0x/alg=/' 's/=//g' \
	    's/,//g' 'p' 's/\(.*\)key=\(0x[^,]*\)/\2=\1/'; do
		i=$((i + 1))
		sed "$change" server.key >bad
		"$TAP" keygen -n 9 --append bad >>said.$i 2>&1 || true
		"$TAP" keygen --rotate 1 --append bad >>said.$i 2>&1 || true
		"$TAP" acl check -c none -k bad -a none >>said.$i 2>&1 || true
		"$TAP" acl check -c none -k bad -a bad --json >>said.$i 2>&1 ||
			true
		"$TAP" acl allow -k bad -a bad --port 1 --key 1 \
		    >>said.$i 2>&1 || true
		"$TAP" server --check -p 80 -k bad >>said.$i 2>&1 || true
		"$TAP" client --check -c bad >>said.$i 2>&1 || true
		[ -s said.$i ]
		clean said.$i
	done
}

case_access_commands()
{
	"$TAP" keygen -n 1 --count 3 >server.key
	secrets server.key >known
	echo 'port=80, key_no=1-3' >ACL.conf
	echo 'RULE:dst_port=80' >server.conf
	set -- -c server.conf -k server.key -a ACL.conf
	{
		"$TAP" acl check "$@"
		"$TAP" acl check "$@" --json
		"$TAP" acl show "$@"
		"$TAP" acl show "$@" --json
		"$TAP" acl test "$@" --port 80 --key 1
		"$TAP" acl test "$@" --port 80 --key 1 --json
		"$TAP" acl deny "$@" --port 80 --key 1 --dry-run
		"$TAP" keygen -n 9 --append server.key --json
		"$TAP" keygen --rotate 1 --append server.key --json
	} >said 2>&1
	clean said
}

# Everything that tap keygen gives to the system, but for what it is to
# print: no command line of its own, no temporary file elsewhere.
case_no_processes()
{
	command -v strace >/dev/null || skip 'strace is not installed'
	strace -f -o trace -e trace=execve,openat,open,creat,connect,socket \
	    "$TAP" keygen -n 1 --client 192.0.2.1:22 --both both.d \
	    --passphrase-fd 3 3<<<"$passphrase" >/dev/null
	secrets both.d/server.key >known
	clean trace
	same 1 "$(grep -c execve trace)"
	# What a build that counts for coverage writes of its own.
	sed -i '/\.gcda"/d' trace
	same '' "$(grep -E 'O_(CREAT|WRONLY|RDWR)' trace |
		grep -vE 'O_TMPFILE, 0600|"\.tap\.lock", .*O_NOFOLLOW.*, 0600' |
		grep -v /dev/null || true)"
	# New files: without a name, for the owner alone; or where there are
	# none such, exclusively, and not through links.
	same 2 "$(grep -c 'O_WRONLY.*O_TMPFILE, 0600' trace)"
	strace -f -o trace -e trace=openat,linkat -e inject=linkat:error=ENOENT \
	    "$TAP" keygen -n 2 --client 192.0.2.1:22 --both two.d >/dev/null
	same 2 "$(grep -E 'O_CREAT' trace | grep O_EXCL | grep O_NOFOLLOW |
		grep -c ', 0600)')"
}

# While the passphrase is waited for, the process is looked at.
case_process()
{
	local pid status

	need_root
	mkfifo fifo
	"$TAP" keygen -n 1 --client 192.0.2.1:22 --passphrase-fd 3 3<>fifo \
	    >stick &
	pid=$!
	# It waits in read(), having prepared itself.
	wait_for grep -q ' S ' "/proc/$pid/stat"
	wait_for grep -q '^VmLck:[^1-9]*[1-9]' "/proc/$pid/status"
	# All static memory is locked: what is rarely used is not to be.
	[ "$(awk '/^VmLck:/ { print $2 }' "/proc/$pid/status")" -lt 8192 ] ||
		fail 'more than 8 MiB are locked'
	status=$(grep -E '^(Max core file size)' "/proc/$pid/limits")
	has "$status" 'Max core file size +0 +0 '
	# Not dumpable: its files in /proc are root's, whoever runs it.
	same 0 "$(cat "/proc/$pid/coredump_filter" >/dev/null; echo $?)"
	echo "$passphrase" >fifo
	wait "$pid"
	"$TAP" client --check -c stick --passphrase-fd 3 3<<<"$passphrase"
}

# Another user's process of the same user can't look into it.
case_not_dumpable()
{
	local pid

	need_root
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	mkfifo fifo
	chmod 666 fifo
	chmod 711 . ..
	cp "$TAP" ./tap
	chmod 755 tap
	setpriv --reuid 4321 --regid 4321 --clear-groups \
	    ./tap keygen -n 1 --client 192.0.2.1:22 --passphrase-fd 3 \
	    3<>fifo >stick &
	pid=$!
	wait_for grep -q '^VmLck:[^1-9]*[1-9]' "/proc/$pid/status"
	same 0 "$(stat -c %u "/proc/$pid/mem")"
	! setpriv --reuid 4321 --regid 4321 --clear-groups \
	    cat "/proc/$pid/maps" >/dev/null 2>&1 ||
		fail 'its user can read its memory'
	echo "$passphrase" >fifo
	wait "$pid"
}

case_output_to_others()
{
	umask 022
	refuses 2 'a file that others may use \(mode 0644\)' keygen -n 1
	umask 027
	rm -f out err
	refuses 2 'mode 0640' keygen -n 1 --client 192.0.2.1:22
	rm -f out err
	refuses 2 'mode 0640' keygen -n 1 --json
	# Where no secret goes there, it does not matter.
	rm -f out err
	exits 0 "$TAP" keygen -n 1 --append server.key
	same '640 600' "$(stat -c %a out server.key | xargs)"
	exits 0 "$TAP" keygen -n 2 --client 192.0.2.1:22 --passphrase-fd 3 \
	    3<<<"$passphrase"
	umask 077
	rm -f out err
	exits 0 "$TAP" keygen -n 1
}

case_terminal_is_warned()
{
	"$python" "$here/terminal.py" "$TAP" keygen -n 1 >shown
	has "$(head -n 1 shown)" '^tap keygen: warning: the secret goes to'
	has "$(cat shown)" '^key_no=1, key=0x'
	"$python" "$here/terminal.py" "$TAP" keygen -n 1 -a f >shown
	lacks "$(cat shown)" 'warning|0x'
}

run_cases
